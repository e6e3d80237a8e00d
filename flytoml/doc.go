// Package flytoml reads an app's settings from the file that its users already
// have: fly.toml, in all the shapes it has had. What Homing does not use is
// ignored whatever it is, and what it uses comes out in one form, with Fly's
// defaults filled in. What is wrong is shown all at once, in the order of the
// file, with line and column:
//
//	fly.toml:3:18: primary_region: did you mean "gru" (São Paulo)? …
//	fly.toml:12:19: http_service.internal_port: want a port from 1 to 65535, not 0
//
// The shapes are those that Fly's reference documents and those that flyctl
// still turns into them: services as one table or many, limits as "20,25",
// mounts as mount, processes as a list, numbers as text.
//
// # Deliberate differences
//
//   - A number for a duration is milliseconds in a check, as documented, in
//     http_service too, and seconds everywhere else. flyctl takes some for
//     nanoseconds, such as release_command_timeout = 300, which nobody means.
//   - A port may be text in http_service, as in services.
//   - A variable of [env] that is a table is an error. Fly would hand the app
//     Go's notation of it: whoever writes spring.url = "x" means "spring.url".
//   - An app without primary_region has the one in [env], where apps older than
//     that setting keep it.
//   - Where a service's ports are treated differently, those with TLS count: see
//     [Service].
//   - replay_body_limit, beside Fly's http_options, is Homing's own.
package flytoml
