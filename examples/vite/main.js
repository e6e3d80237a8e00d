import { greeting } from './greeting.js'

const show = (text) => (document.querySelector('#greeting').textContent = text)
show(greeting)

// Takes what the file says from now on, without loading the page anew.
import.meta.hot?.accept('./greeting.js', (now) => show(now.greeting))
