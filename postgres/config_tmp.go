package postgres

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
)

type Config struct {
	Pool   *pgxpool.Config
	Logger *slog.Logger
}
