// Searching, opening what a link points to, and copying examples. The page reads well without.
const search = document.getElementById('search')
const endpoints = [...document.querySelectorAll('[data-words]')]

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const found = new Set()
  for (const endpoint of endpoints) {
    const matches = words.every((word) => endpoint.dataset.words.includes(word))
    endpoint.hidden = !matches
    if (matches) found.add(endpoint.id)
  }
  for (const item of document.querySelectorAll('[data-for]')) {
    item.hidden = !found.has(item.dataset.for)
  }
  for (const group of document.querySelectorAll('[data-group]')) {
    group.hidden = !group.querySelector('[data-words]:not([hidden]), [data-for]:not([hidden])')
  }
  for (const part of document.querySelectorAll('[data-about]')) part.hidden = words.length > 0
  document.getElementById('nothing').hidden = found.size > 0
}

function reveal() {
  const id = decodeURIComponent(location.hash.slice(1))
  const target = id && document.getElementById(id)
  if (!target) return
  if (target.closest('[hidden]')) {
    search.value = ''
    filter()
  }
  if (target.tagName === 'DETAILS') target.open = true
  target.scrollIntoView()
}

search.hidden = false
search.addEventListener('input', filter)
addEventListener('hashchange', reveal)
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== search) {
    event.preventDefault()
    search.focus()
  }
})

if (navigator.clipboard) {
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(button.nextElementSibling.textContent)
      button.textContent = 'Copied'
      setTimeout(() => (button.textContent = 'Copy'), 1500)
    })
  }
}

const contents = document.querySelector('.contents')
if (matchMedia('(max-width: 60rem)').matches) {
  contents.open = false
  contents.addEventListener('click', (event) => {
    if (event.target.tagName === 'A') contents.open = false
  })
}
reveal()
