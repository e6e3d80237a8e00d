// Package dev runs several regions on one machine: an edge, a machine of the app
// and a database for each, with the distances between them on everything that
// crosses, and faults that can be switched on while it runs.
//
// The databases are SQLite files or a PostgreSQL cluster, see [Engine]; only the primary
// of the latter can move, see [World.Promote].
//
//	w, err := dev.Start(ctx, dev.Config{
//		Regions: []region.Code{"ord", "gru"}, Primary: "ord",
//		Distances: dev.RealDistances, Dir: dir, App: newApp,
//	})
//	defer w.Close()
package dev
