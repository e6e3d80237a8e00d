package dev

import (
	"context"
	"errors"

	"homing/region"
)

// nothing is the databases of a world that keeps none: its apps have their own, or do
// without.
type nothing struct{ world *World }

func (n nothing) open(context.Context, region.Code) (Database, error) { return nil, nil }

func (n nothing) home() region.Code { return n.world.cfg.Primary }

func (n nothing) hold(region.Code, bool) error {
	return errors.New("the app's databases are its own; what is replicated between them cannot be held back here")
}

func (n nothing) held(region.Code) bool { return false }

func (n nothing) reach(region.Code, bool) {}

func (n nothing) catchUp(context.Context) error { return nil }

func (n nothing) close() error { return nil }
