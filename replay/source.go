package replay

import (
	"fmt"
	"strconv"
	"time"

	"homing/machine"
	"homing/region"
)

// Source is what a replayed request tells its new machine about where it was
// before: the header fly-replay-src. Fields that are not known are zero.
type Source struct {
	Instance machine.ID  // the machine that asked for the replay
	Region   region.Code // its region
	At       time.Time   // when it asked; microseconds on the wire
	State    string      // the instruction's, see [Instruction.State]
}

// String writes the header's value. A state that could not be read back is left
// out whole: with a ";" in it, it would forge other fields.
func (s Source) String() string {
	b := make(fieldText, 0, usual)
	b = b.add("instance", string(s.Instance))
	b = b.add("region", string(s.Region))
	if !s.At.IsZero() {
		b = b.addInt("t", s.At.UnixMicro())
	}
	b = b.add("state", s.State)
	return string(b)
}

// ParseSource reads the header's value. Unknown fields are ignored; the error
// is a [*SyntaxError].
func ParseSource(header string) (Source, error) {
	var src Source
	err := eachField(header, func(name, value string) (err error) {
		switch name {
		case "instance":
			src.Instance, err = machine.ParseID(value)
		case "region":
			src.Region, err = region.Parse(value)
		case "t":
			var us int64
			us, err = strconv.ParseInt(value, 10, 64)
			if err != nil || us <= 0 {
				return fmt.Errorf("want microseconds since 1970, not %q", clip(value))
			}
			src.At = time.UnixMicro(us)
		case "state":
			src.State = value
			err = checkState(value)
		}
		return err
	})
	if err != nil {
		return Source{}, err
	}
	return src, nil
}
