-- name: ListLinks :many
SELECT * FROM links ORDER BY id;

-- name: GetLink :one
SELECT * FROM links WHERE id = $1;

-- name: FindLink :one
SELECT * FROM links WHERE name = $1;

-- name: LeastVisited :one
SELECT * FROM links ORDER BY visits, id LIMIT 1;

-- name: CreateLink :one
INSERT INTO links (name, url) VALUES ($1, $2) RETURNING *;

-- name: DeleteLink :exec
DELETE FROM links WHERE id = $1;

-- name: CountVisit :exec
UPDATE links SET visits = visits + 1 WHERE id = $1;
