// Package result is what every benchmark writes: what was measured, on which machine, of
// which versions, by which commands; as a table for a terminal, and as files that stay in
// the repository:
//
//	r := result.New("claim", "What a replay saves")
//	t := r.AddTable("A write from gru", result.Column{Name: "queries"}, result.Column{Name: "remote primary", Unit: "ms", Digits: 1})
//	t.Add(5, took.Median())
//	r.Charts = append(r.Charts, chart.Chart{…})
//	err := r.Print(os.Stdout)
//	err = r.Write("bench/results") // claim.json, claim.md and claim-NAME.svg
//
// The files speak of the kind of machine and never of this one: [Result.Write] refuses
// its name and its folders.
package result

import (
	"time"

	"homing/bench/chart"
)

// Result is what one benchmark has found. Not safe for concurrent use.
type Result struct {
	// Name is that of its files: small letters, digits and "-".
	Name string `json:"name"`
	// Title says in one line what was compared.
	Title string `json:"title"`
	// Summary says in a few sentences what was found, for those who read nothing else.
	// It may be empty.
	Summary string    `json:"summary,omitempty"`
	When    time.Time `json:"when"`
	Machine Machine   `json:"machine"`
	// Versions are of what was measured, Go first.
	Versions []Version `json:"versions"`
	// Commands made this, as they would be typed in the repository's root folder.
	Commands []string      `json:"commands,omitempty"`
	Tables   []*Table      `json:"tables"`
	Charts   []chart.Chart `json:"charts,omitempty"`
	// Notes are what a reader must know to believe the figures, a sentence or two each.
	Notes []string `json:"notes,omitempty"`
}

// Version is of one program or library that took part.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Table is one table. Make it with [Result.AddTable].
type Table struct {
	Title   string   `json:"title"`
	Columns []Column `json:"columns"`
	// Rows have a cell for each column: a string, an int, a float64, or nil where nothing
	// was measured.
	Rows [][]any `json:"rows"`
}

// Column is a table's column. Numbers stand at its right, words at its left.
type Column struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	// Digits is how many of a float64 are shown after the point. Files for programs have
	// all of them.
	Digits int `json:"digits,omitempty"`
}

// New returns a result that knows when it was made, and on what.
func New(name, title string) *Result {
	return &Result{Name: name, Title: title, When: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(), Versions: []Version{goVersion()}}
}

// AddTable adds an empty table.
func (r *Result) AddTable(title string, columns ...Column) *Table {
	t := &Table{Title: title, Columns: columns}
	r.Tables = append(r.Tables, t)
	return t
}

// Add adds a row.
func (t *Table) Add(cells ...any) { t.Rows = append(t.Rows, cells) }

// AddVersion adds a version.
func (r *Result) AddVersion(name, version string) {
	r.Versions = append(r.Versions, Version{name, version})
}

// Note adds a note.
func (r *Result) Note(sentence string) { r.Notes = append(r.Notes, sentence) }
