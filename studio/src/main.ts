import { mount } from 'svelte'
import './styles/tokens.css'
import './styles/base.css'
import App from './App.svelte'
import { ui } from './lib/ui.svelte'

ui.setTheme(ui.theme)
const target = document.getElementById('app')
if (!target) throw new Error('index.html lacks #app')
mount(App, { target })
