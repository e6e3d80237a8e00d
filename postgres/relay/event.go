package relay

import (
	"time"

	"homing/trail"
)

// Event is one thing that happened to the database of an app: the mark that it leaves
// on the trail of the request that it was for.
type Event struct {
	Mark trail.Mark

	// Began is when the app sent the first message that the answer can be to: the
	// statement, or the first of those that it sent together. For a connection that
	// could not be had, when the app connected.
	Began time.Time

	// Ended is when the answer came, or nothing more could come. The app does not have
	// it yet. A request that began after Began, or ended before Ended, had no part in it.
	Ended time.Time

	// Code is the error's SQLSTATE; empty where there was none.
	Code string
}
