// Package dev runs several regions on one computer: an edge, machines of the app
// and a database for each, with the distances between them on everything that
// crosses, and faults that can be switched on while it runs.
//
// What serves a machine's requests is a handler in this process, as below, a process of
// its own ([Config.Process]), or something that runs already ([Outside]). A region may have
// several machines. They share its database, if the world keeps any.
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
