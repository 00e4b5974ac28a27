// Seam's JavaScript SDK behind a line protocol: one JSON request a line in, one answer a line out.
// {"id":1,"call":"accessCodes.create","params":{...}} -> {"id":1,"result":...} or {"id":1,"error":...}
import { createInterface } from 'node:readline'
import { Seam, SeamWebhook } from 'seam'

const [endpoint, apiKey] = process.argv.slice(2)
const seam = new Seam({ apiKey, endpoint })

const calls = {
  'webhook.verify': ({ secret, payload, headers }) =>
    new SeamWebhook(secret).verify(payload, headers),
}

async function answer({ call, params }) {
  if (call in calls) return calls[call](params)
  const [resource, method] = call.split('.')
  return await seam[resource][method](params)
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let reply
  try {
    reply = { id: request.id, result: (await answer(request)) ?? null }
  } catch (error) {
    reply = {
      id: request.id,
      error: { name: error.name, code: error.code, statusCode: error.statusCode, message: error.message },
    }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
