// Package replay is the vocabulary of the replay protocol: what an app answers
// to have its request delivered somewhere else, and what the machine there is
// told about where it came from. It does no I/O.
//
// An app asks for a replay with a response header (status and body of that
// response never reach the client):
//
//	fly-replay: region=ord;state=captured
//	fly-replay: region="iad,ord,us";elsewhere=true
//
//	replay      = field *( ";" field ) [ ";" ]
//	field       = name "=" value          ; blanks around both are ignored
//	value       = text | '"' text '"'     ; quoted where it holds a comma
//
// Names are case-insensitive, unknown ones are ignored (a newer proxy may know
// more), known ones with a bad value make the whole instruction invalid, as does
// a field given twice.
//
// # Deliberate differences
//
// From what Fly documents (https://fly.io/docs/networking/dynamic-request-routing/):
//
//   - A list may stand unquoted: region=iad,ord. A comma followed by a name and
//     "=" starts a new field: region=iad,state=x is two.
//   - state is raw to the next ";": commas, "=" and quotes belong to it. Our
//     formatter refuses what could not be read back.
//   - A bare number is no timeout: "10" is invalid, "10s" is ten seconds.
package replay

// Names of the protocol's headers, in the canonical form of net/http.
const (
	Header               = "Fly-Replay"     // an app's answer: deliver this again
	SourceHeader         = "Fly-Replay-Src" // a replayed request: where from, see [Source]
	FailedHeader         = "Fly-Replay-Failed"
	CacheHeader          = "Fly-Replay-Cache"
	CacheStatusHeader    = "Fly-Replay-Cache-Status"
	CacheTTLHeader       = "Fly-Replay-Cache-Ttl-Secs"
	CacheBypassHeader    = "Fly-Replay-Cache-Allow-Bypass"
	PreferredGoneHeader  = "Fly-Preferred-Instance-Unavailable" // value: the machine that could not be had
	RegionHeader         = "Fly-Region"                         // the edge's region; its presence says that somebody replays
	PrimaryHeader        = "Homing-Primary"                     // the edge to machines: where the primary is
	RoleHeader           = "Homing-Role"                        // a machine to the edge: its database's role
	DecisionHeader       = "Homing-Decision"                    // a machine to the edge: what was decided, and why
	PositionHeader       = "Homing-Position"                    // a client's token, in both directions
	ErrorHeader          = "Homing-Error"                       // the edge to clients: the code of what went wrong
	PositionCookiePrefix = "homing-position-"
)

// MaxHops is how often one request may be replayed.
const MaxHops = 10
