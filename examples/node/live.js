// Tells browsers of a link's visits while they look on: as server-sent events, and
// through a WebSocket.
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocketServer } from 'ws'

async function find(db, name) {
  const { rows } = await db.query('SELECT * FROM links WHERE name = $1', [name])
  return rows[0]
}

// GET /watch/NAME sends the link now and after each change, until the browser goes.
export function watch(db) {
  return async (req, res) => {
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    let last = await find(db, req.params.name)
    if (!last) return res.sendStatus(404)
    res.type('text/event-stream').set('Cache-Control', 'no-cache')
    res.write(event(last))
    while (!gone.signal.aborted) {
      await pause(200, null, { signal: gone.signal }).catch(() => {})
      const now = await find(db, req.params.name)
      if (now && now.visits !== last.visits) res.write(event(now))
      last = now ?? last
    }
  }
}

const event = (link) => `data: ${JSON.stringify(link)}\n\n`

// GET /live as a WebSocket answers each name with its link, or null.
export function accept(db) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })
  sockets.on('connection', (socket) => {
    socket.on('error', () => socket.terminate())
    socket.on('message', async (name) => {
      try {
        socket.send(JSON.stringify((await find(db, String(name))) ?? null))
      } catch (err) {
        console.error(err)
        socket.close(1011)
      }
    })
  })
  return (req, connection, head) => {
    if (new URL(req.url, 'http://links').pathname !== '/live') return connection.end('HTTP/1.1 404 Not Found\r\n\r\n')
    sockets.handleUpgrade(req, connection, head, (socket) => sockets.emit('connection', socket))
  }
}
