// Keeps short links, with Express and pg.
import { createServer } from 'node:http'
import express from 'express'
import pg from 'pg'
import { accept, watch } from './live.js'

const db = new pg.Pool({ connectionString: process.env.DATABASE_URL })
db.on('error', (err) => console.error('a connection that nobody used broke:', err.message))

const app = express()
app.use(express.urlencoded({ extended: false }))

app.get('/up', (req, res) => res.send('ok'))

app.get('/links', async (req, res) => {
  const { rows } = await db.query('SELECT * FROM links ORDER BY id')
  res.json(rows)
})

app.post('/links', async (req, res) => {
  const { name, url } = req.body
  const { rows } = await db.query('INSERT INTO links (name, url) VALUES ($1, $2) RETURNING *', [name, url])
  res.status(201).json(rows[0])
})

app.get('/links/:id', async (req, res) => {
  const { rows } = await db.query('SELECT * FROM links WHERE id = $1', [req.params.id])
  if (rows.length === 0) return res.sendStatus(404)
  res.json(rows[0])
})

// Leads on and counts the visit: a GET that writes.
app.get('/go/:name', async (req, res) => {
  const { rows } = await db.query('UPDATE links SET visits = visits + 1 WHERE name = $1 RETURNING url', [req.params.name])
  if (rows.length === 0) return res.sendStatus(404)
  res.redirect(rows[0].url)
})

app.get('/watch/:name', watch(db))

const server = createServer(app)
server.on('upgrade', accept(db))
server.listen(process.env.PORT ?? 8080)

process.once('SIGTERM', () => {
  server.close(() => db.end())
})
