package replay

import (
	"fmt"
	"strconv"
	"time"

	"homing/machine"
	"homing/region"
)

// FailureReason says in one word why a replay did not reach its target.
type FailureReason string

// The reasons that Fly documents.
const (
	TimedOut         FailureReason = "timeout"           // the instruction's time ran out
	RetriesExhausted FailureReason = "retries_exhausted" // every try to connect failed
	NoCandidate      FailureReason = "no_candidate"      // no machine fits the instruction
)

// Failure is what a machine is told when its replay could not be delivered and
// came back by its fallback: the header fly-replay-failed. Fields that do not
// apply are zero.
type Failure struct {
	Instance machine.ID    // the machine that was wanted
	App      machine.App   // its app
	Region   region.Code   // its region
	Source   machine.ID    // the machine that asked for the replay
	Reason   FailureReason // why; may be a word of a newer proxy
	Elapsed  time.Duration // how long it was tried; milliseconds on the wire
}

// String writes the header's value.
func (f Failure) String() string {
	b := make(fieldText, 0, usual)
	b = b.add("instance", string(f.Instance))
	b = b.add("app", string(f.App))
	b = b.add("region", string(f.Region))
	b = b.add("replay_source", string(f.Source))
	b = b.add("reason", string(f.Reason))
	b = b.addInt("elapsed_ms", max(0, f.Elapsed.Milliseconds()))
	return string(b)
}

// ParseFailure reads the header's value. Unknown fields are ignored, and so is an
// empty one; a reason may be any word. The error is a [*SyntaxError].
func ParseFailure(header string) (Failure, error) {
	var f Failure
	err := eachField(header, func(name, value string) (err error) {
		if value == "" {
			return nil
		}
		switch name {
		case "instance":
			f.Instance, err = machine.ParseID(value)
		case "app":
			f.App, err = machine.ParseApp(value)
		case "region":
			f.Region, err = region.Parse(value)
		case "replay_source":
			f.Source, err = machine.ParseID(value)
		case "reason":
			if !isFieldName(value) || len(value) > 80 {
				return fmt.Errorf("want one word, not %q", clip(value))
			}
			f.Reason = FailureReason(value)
		case "elapsed_ms":
			// 32 bits are seven weeks, and cannot overflow a time.
			ms, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return fmt.Errorf("want milliseconds, not %q", clip(value))
			}
			f.Elapsed = time.Duration(ms) * time.Millisecond
		}
		return err
	})
	if err != nil {
		return Failure{}, err
	}
	return f, nil
}
