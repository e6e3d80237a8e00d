package meaning

import (
	"strconv"
	"strings"
)

// Effect is what a statement that succeeded has done to the data.
type Effect uint8

const (
	// Unchanged: nothing, as far as can be told.
	Unchanged Effect = iota
	// Perhaps: it can be told only that a replica would have refused to change
	// anything.
	Perhaps
	// Changed: no replica would have done it.
	Changed
)

// OfTag goes by what the server says it did, in a command tag such as "INSERT 0 1".
// "SELECT 1" may have called a function that writes, which nobody outside can see;
// for what else it hides, see [HidesChange].
func OfTag(tag string) Effect {
	word, rest, _ := strings.Cut(tag, " ")
	switch {
	case isChange(word):
		if rows(tag) > 0 {
			return Changed
		}
		return Unchanged
	case word == "COPY" && rows(tag) == 0:
		return Unchanged
	case isHarmless(word) && rest != "PREPARED": // COMMIT PREPARED
		return Unchanged
	}
	return Perhaps
}

// rows is the number that a tag ends with; 0 if there is none.
func rows(tag string) int64 {
	n, _ := strconv.ParseInt(tag[strings.LastIndexByte(tag, ' ')+1:], 10, 64)
	return n
}

// OfText guesses from the statements' first words. A semicolon in a string
// makes it guess too much, never too little.
func OfText(sql string) Effect {
	most := Unchanged
	for statement := range strings.SplitSeq(sql, ";") {
		most = max(most, ofStatement(statement))
	}
	return most
}

func ofStatement(sql string) Effect {
	var room [longestWord]byte
	switch word := string(keyword(sql, &room)); {
	case isChange(word):
		return Changed
	case word == "WITH" || word == "EXPLAIN":
		if mentionsChange(sql) {
			return Perhaps
		}
		return Unchanged
	case isHarmless(word):
		return Unchanged
	}
	return Perhaps
}

// HidesChange reports whether the tag of sql may say less than sql does: a WITH that
// inserts and then selects, EXPLAIN ANALYZE, CREATE TABLE AS (whose tag is SELECT),
// and several statements, of which only the last one's tag is seen.
func HidesChange(sql string) bool {
	var room [longestWord]byte
	switch string(keyword(sql, &room)) {
	case "WITH", "EXPLAIN", "CREATE":
		return ofStatement(sql) != Unchanged
	}
	return IsSeveral(sql) && OfText(sql) != Unchanged
}

// IsSeveral reports whether sql may be more than one statement.
func IsSeveral(sql string) bool {
	return strings.IndexByte(strings.TrimRight(sql, "; \t\r\n"), ';') >= 0
}

func isChange(word string) bool {
	switch word {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		return true
	}
	return false
}

// isHarmless knows the first words of what changes no data, or is not to be found
// out. An empty statement has none.
func isHarmless(word string) bool {
	switch word {
	case "", "SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN",
		"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "SET", "RESET", "DISCARD",
		"DECLARE", "FETCH", "MOVE", "CLOSE", "PREPARE", "DEALLOCATE",
		"LISTEN", "UNLISTEN", "NOTIFY", "LOCK", "LOAD", "CHECKPOINT", "VACUUM", "ANALYZE":
		return true
	}
	return false
}

const longestWord = 16 // longer ones mean nothing here

// keyword returns the first word of sql in capitals, past comments and parentheses;
// of a very long one, the beginning. It writes to room, which costs no memory.
func keyword(sql string, room *[longestWord]byte) []byte {
	sql = skipBlank(sql)
	n := 0
	for n < len(sql) && n < len(room) && isLetter(sql[n]) {
		room[n] = sql[n]
		if 'a' <= sql[n] && sql[n] <= 'z' {
			room[n] -= 'a' - 'A'
		}
		n++
	}
	return room[:n]
}

// skipBlank leaves out what may stand before a statement. Generated queries often
// begin with a comment.
func skipBlank(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f(")
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql, "*/")
		default:
			return sql
		}
	}
}

// mentionsChange reports whether one of the words of [isChange] stands anywhere.
func mentionsChange(sql string) bool {
	for word := range strings.FieldsFuncSeq(sql, func(r rune) bool { return r > 127 || !isLetter(byte(r)) }) {
		var room [longestWord]byte
		if isChange(string(keyword(word, &room))) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
