// Seam's JavaScript SDK behind the compat suite's line protocol: one JSON request a line in, one
// answer a line out. {"call":"access_codes.create","params":{...}} -> {"result":...} or {"error":{...}}
import { createInterface } from 'node:readline'
import { Seam, SeamWebhook } from 'seam'

const [endpoint, apiKey] = process.argv.slice(2)
const seam = new Seam({ apiKey, endpoint })
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

const calls = {
  verify: ({ secret, payload, headers }) => new SeamWebhook(secret).verify(payload, headers),
  all: ({ path, limit }) => {
    const [, resource, method] = path.split('/')
    const request = seam[camel(resource)][camel(method)]({ limit })
    return seam.createPaginator(request).flattenToArray()
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
    const known = { status: error.statusCode, request_id: error.requestId, type: error.code }
    reply = { error: { name: error.name, message: error.message, ...known } }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
