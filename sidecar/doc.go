// Package sidecar stands in front of an app in any language and does for it what
// package homing does for one in Go: it decides for each request whether the app
// serves it here, from the replica in this region, or whether it goes home.
//
//	app, err := sidecar.NewApp(sidecar.AppConfig{Addr: "127.0.0.1:3000"})
//	…
//	srv := &http.Server{Handler: site.Handler(app)} // site is a *homing.Site
//
// The app sees a request as if nobody were in between: the same Host, target and
// fields, what proxies in front have added among them. Only its peer is this machine;
// where no proxy has said who the client is, X-Forwarded-For does. Answers come back
// as they are made, upgrades are tunnelled.
//
// # What the app did to its database
//
// A driver's hooks tell package homing that a write was refused, or committed. There
// are none here, and three things stand for them:
//
//   - The method, and lists of routes: see [homing.Config].
//   - A [Witness], such as a relay between the app and its database, that sees what
//     was refused and committed, and when; but not by which request. What happened
//     while a request was at the app may be its doing. If it was answered with 500 or
//     above then, and a write was refused, it goes home, unless something was
//     committed meanwhile: that might be done twice. Taken for another's, a refusal
//     costs one trip more, and no answer that is wrong; and a commit a token, which
//     nobody needed, on an answer that no shared cache keeps then.
//   - A field of the answer, Homing-Did, by which the app says it itself:
//     "Homing-Did: wrote" after a write on GET, so that its client reads it
//     afterwards, and "Homing-Did: refused" for an answer that is worth nothing, since
//     the database here did not take a write. It never leaves the sidecar.
//
// An answer whose length is not known is held for a moment ([AppConfig.Quiet]): most
// are complete by then, can still be dropped, and carry the position of what they
// wrote. Those that go on, and events (text/event-stream), pass as they come.
package sidecar
