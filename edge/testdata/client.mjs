// Asks an edge for one thing after another, and says what is wrong.
import http from 'node:http'
import http2 from 'node:http2'

const [host, secure] = process.argv.slice(2)
const kib = Buffer.alloc(1024, 'n')
const x = (n) => Buffer.alloc(n, 'x')
const requests = [
  ['GET', '/bytes/1024', x(1024)],
  ['HEAD', '/bytes/1024', Buffer.alloc(0)],
  ['POST', '/echo', kib, 200, [kib]],
  ['POST', '/echo', Buffer.concat([kib, kib, kib]), 200, [kib, kib, kib]],
  ['POST', '/home', Buffer.concat([Buffer.from('home:'), kib]), 200, [kib]],
  ['GET', '/file', Buffer.alloc(0), 304, [], { 'if-none-match': '"v1"' }],
  ['GET', '/file', Buffer.from('3456'), 206, [], { range: 'bytes=3-6' }],
  ['GET', '/bytes/1048576', x(1048576)],
]

function check(how, [method, path, want, status = 200], gotStatus, got) {
  if (gotStatus !== status || !got.equals(want)) throw new Error(`${how}: ${method} ${path}: ${gotStatus}, ${got.length} bytes`)
}

async function all(stream) {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
for (const r of requests) {
  const [method, path, , , parts = [], headers = {}] = r
  const length = parts.length === 1 ? { 'content-length': 1024 } : {}
  const request = http.request(`http://${host}${path}`, { method, agent, headers: { ...headers, ...length } })
  for (const part of parts) request.write(part) // of several: in chunks
  const answer = new Promise((resolve, reject) => request.on('response', resolve).on('error', reject))
  request.end()
  const response = await answer
  check('http', r, response.statusCode, await all(response))
}
agent.destroy()

for (const r of requests) {
  const [method, path, , , parts = [], headers = {}] = r
  const body = parts.length > 1 ? ReadableStream.from(parts) : parts[0]
  const response = await fetch(`http://${host}${path}`, { method, headers, body, duplex: 'half' })
  check('fetch', r, response.status, Buffer.from(await response.arrayBuffer()))
}

const session = http2.connect(`https://${secure}`, { rejectUnauthorized: false })
for (const r of requests) {
  const [method, path, , , parts = [], headers = {}] = r
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: parts.length === 0 })
  const answer = new Promise((resolve, reject) => stream.on('response', resolve).on('error', reject))
  for (const part of parts) stream.write(part)
  if (parts.length > 0) stream.end()
  const response = await answer
  check('http2', r, response[':status'], await all(stream))
}
session.close()
console.log('fine')
process.exit(0) // fetch would keep its connection
