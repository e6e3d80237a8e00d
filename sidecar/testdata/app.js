// An app that knows nothing of regions but what /refused plays: a database that takes
// writes in one of them.
const http = require('http')
const here = process.env.FLY_REGION, home = process.env.PRIMARY_REGION

const server = http.createServer((req, res) => {
  switch (req.url.split('?')[0]) {
    case '/refused':
      if (here !== home) {
        res.writeHead(500, { 'Homing-Did': 'refused' })
        return res.end('this is a replica\n')
      }
      res.writeHead(200, { 'Homing-Did': 'wrote' })
      return res.end('written in ' + here)
    case '/events':
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.write('data: one\n\n')
      return req.on('close', () => res.end())
    case '/echo':
      return req.pipe(res)
    case '/slow':
      process.stdout.write('slow has begun\n')
      return setTimeout(() => res.end('slow, but whole'), 150)
    case '/crash':
      return process.exit(3)
  }
  req.resume()
  req.on('end', () => res.end(req.method + ' in ' + here))
})
server.on('upgrade', (req, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ' + req.headers.upgrade + '\r\n\r\n' + here + ' ')
  socket.on('data', (text) => socket.end(String(text).toUpperCase()))
})
process.on('SIGUSR2', () => process.stdout.write('heard SIGUSR2\n'))
server.listen(process.env.PORT)
