// Package relay stands between an app in any language and its PostgreSQL server. It
// passes PostgreSQL's protocol on, and tells what the app's statements did:
// writes that a replica refused, reads that replication cancelled, writes that were
// done, and what was lost with the server.
//
//	r, err := relay.Listen(relay.Config{Server: server, Role: role, Tell: tell})
//	…
//	go r.Serve(ctx)
//	address, err := r.URL(os.Getenv("DATABASE_URL")) // the app's, from now on
//
// An app in Go needs none of this: package postgres sees the same in its driver, and
// knows the request that each statement was for. On the wire nothing names a request,
// so an [Event] says from when to when its statement ran, and whoever knows the
// requests matches them. Tell returns before the app is given the answer that an event
// is of: a response that the answer led to comes later than its event.
//
// # What passes
//
// Everything: queries of both kinds, pipelines, COPY, notifications, cancellation,
// replication, any password exchange, protocol versions yet to come. The relay reads the
// heads of messages and looks into few of them; rows and COPY data stream through two
// buffers of 32 KiB for a connection, whatever their size. What it cannot read it passes
// on all the same, and stops looking. A connection for replication is not looked at.
//
// # TLS
//
// Between app and relay there is none: they are on one machine, and what is encrypted
// cannot be seen. An app that asks for TLS is told that there is none, by the protocol's
// own means; one that insists ends there, which the log says. [Relay.URL] rewrites the
// app's URL so that it does not ask. To the server the relay speaks TLS as the server's
// configuration says (sslmode, sslrootcert, sslcert, sslnegotiation), certificate and
// name checked by the relay in the app's place. Passwords go to the server as the app
// sends them; the relay does not look at them. One thing is not passed on: a server that
// speaks TLS offers to bind SCRAM to it (SCRAM-SHA-256-PLUS), which an app without TLS
// cannot, and libpq takes for an attack. So that offer is taken out.
//
// # What is not seen
//
// A SELECT whose function writes, as in package postgres. A connection that was lost
// while it was idle is told of when the app uses it, which a response may outrun by
// some microseconds.
//
// # Behind PgBouncer
//
// All of it works. Give [Config.Role]: what a PgBouncer says of the server's role is
// that of whichever server it met first.
package relay
