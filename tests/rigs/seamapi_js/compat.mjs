// Seam's earlier JavaScript client behind a line protocol: one JSON request a line in, one answer a
// line out. {"call":"access_codes.create","params":{...}} -> {"result":...} or {"error":{...}}
import { createInterface } from 'node:readline'
import { Seam, SeamWebhook } from 'seamapi'

const [endpoint, apiKey] = process.argv.slice(2)
const seam = new Seam({ apiKey, endpoint })
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

const calls = {
  verify: ({ secret, payload, headers }) => new SeamWebhook(secret).verify(payload, headers),
  all: async ({ path, key, limit }) => {
    const found = []
    for (let cursor; ; ) {
      const data = { limit, ...(cursor && { page_cursor: cursor }) }
      const page = await seam.makeRequest({ url: path, method: 'POST', data })
      found.push(...page[key])
      if (!page.pagination.has_next_page) return found
      cursor = page.pagination.next_page_cursor
    }
  },
}

async function answer({ call, params }) {
  if (call in calls) return await calls[call](params)
  const [resource, method] = call.split('.')
  return await seam[camel(resource)][camel(method)](params)
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = { result: (await answer(JSON.parse(line))) ?? null }
  } catch (error) {
    const type = error.metadata?.type
    const known = { status: error.status, request_id: error.requestId, type }
    reply = { error: { name: error.name, message: error.message, ...known } }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
