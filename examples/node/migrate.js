// Makes the table. It runs once for each release, before any machine has it.
import pg from 'pg'

const db = new pg.Client({ connectionString: process.env.DATABASE_URL })
await db.connect()
await db.query(`CREATE TABLE IF NOT EXISTS links (
  id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name   text    NOT NULL UNIQUE,
  url    text    NOT NULL,
  visits integer NOT NULL DEFAULT 0
)`)
await db.end()
