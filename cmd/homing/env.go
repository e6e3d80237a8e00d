package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"homing"
	"homing/postgres"
)

func envCommand(out io.Writer) *cobra.Command {
	var asJSON, long bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Show what a process with this environment would use, and why",
		Long: `Shows what an app with this environment would use, and which variable each value
comes from: run it where the app runs. No secret and no password is shown. What
the app sets itself, in homing.Config, is not known here.`,
		Example: `  homing env
  FLY_REGION=gru PRIMARY_REGION=ord homing env --long`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := readSettings(os.Getenv)
			switch {
			case asJSON:
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return errors.Join(err, enc.Encode(r))
			case long:
				r.printLong(out)
			default:
				r.print(out)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&long, "long", false, "with what each setting does, its default and its risk")
	cmd.MarkFlagsMutuallyExclusive("json", "long")
	return cmd
}

// used is what a process would use.
type used struct {
	Settings []homing.Setting `json:"settings"`
	// Database is which one an app on PostgreSQL would open; empty without DATABASE_URL.
	Database []fact `json:"database,omitempty"`
	Problem  string `json:"problem,omitempty"`
}

// fact is a name and its value.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// readSettings says what getenv's process would use. The error says what is wrong, and
// is in what is returned, too.
func readSettings(getenv func(string) string) (used, error) {
	var r used
	env, err := homing.FromLookup(getenv)
	settings, serr := homing.Config{Env: env}.Settings()
	r.Settings = settings
	err = errors.Join(err, serr)
	if getenv("DATABASE_URL") != "" || getenv("PGHOST") != "" {
		db, derr := postgres.ParseConfigFrom(env.Env, getenv)
		err = errors.Join(err, derr)
		if derr == nil {
			for _, a := range db.LogValue().Group() {
				r.Database = append(r.Database, fact{strings.ReplaceAll(a.Key, "_", " "), text(a.Value)})
			}
		}
	}
	if err != nil {
		err = oneLine(err)
		r.Problem = err.Error()
	}
	return r, err
}

func text(v slog.Value) string { return v.Resolve().String() }

// row is how settings are printed: what, its value, where that comes from.
const row = "  %-15s  %-20s  %s\n"

// summary says in a line what all of it comes to.
func (r used) summary() string {
	value := map[string]string{}
	for _, s := range r.Settings {
		value[s.Field] = s.Value
	}
	switch here, home := value["Region"], value["PrimaryRegion"]; {
	case r.Problem != "":
		return "An app with this environment does not start."
	case value["Mode"] == string(homing.Off):
		return "Homing is switched off: the app is as if it were not there."
	case value["Mode"] == string(homing.Observe):
		return "Homing observes: it counts requests, and the app is as if it were not there."
	case here == "":
		return "No region is configured, so every request is passed through."
	case here == home:
		return "The primary is here, in " + here + ", the environment says."
	default:
		return "Reads are answered here, in " + here + "; writes go to " + home + ", the environment says."
	}
}

func (r used) print(out io.Writer) {
	fmt.Fprintf(out, "%s\n\n", r.summary())
	for _, s := range r.Settings {
		fmt.Fprintf(out, row, s.Name, orNothing(s.Value), origin(s))
	}
	r.printDatabase(out)
}

func (r used) printLong(out io.Writer) {
	fmt.Fprintln(out, r.summary())
	for _, s := range r.Settings {
		fmt.Fprintln(out)
		fmt.Fprintf(out, row, s.Name, orNothing(s.Value), origin(s))
		for _, l := range []fact{
			{"set by", strings.Join(s.Variables, ", else ") + ", or Config." + s.Field}, {"effect", s.Effect}, {"default", s.Default}, {"risk", s.Risk},
		} {
			fmt.Fprint(out, indent(l.Name, l.Value))
		}
	}
	r.printDatabase(out)
}

func (r used) printDatabase(out io.Writer) {
	if len(r.Database) == 0 {
		return
	}
	fmt.Fprintln(out, "\n  PostgreSQL")
	for _, f := range r.Database {
		fmt.Fprintf(out, "  %-15s  %s\n", f.Name, orNothing(f.Value))
	}
}

// indent writes a name and a text that goes on below itself after 80 columns.
func indent(name, text string) string {
	const margin, width = 13, 80
	var b strings.Builder
	line := fmt.Sprintf("    %-*s", margin-4, name)
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", margin)
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

func orNothing(value string) string {
	if value == "" {
		return "-"
	}
	return value
}

func origin(s homing.Setting) string {
	if s.From != "default" {
		return s.From
	}
	word := "default"
	if s.Value == "" {
		word = "not set"
	}
	return word + " (" + s.Variables[len(s.Variables)-1] + ")"
}
