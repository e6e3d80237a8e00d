package flytoml

import (
	"errors"
	"strings"
)

// Command is a command as it stands in a file, and the arguments it consists of.
// No shell is involved: quotes group, a backslash takes the next character as it
// is, "#" before a word begins a comment, and nothing else is special.
type Command struct {
	Text string
	Args []string // at least one, unless Text says nothing
}

func command(s setting) Command {
	line := s.text()
	args, err := split(line)
	if err != nil {
		s.wrong("%v", err)
	}
	return Command{Text: line, Args: args}
}

// splitter takes a line apart, byte by byte: all that is special is ASCII.
type splitter struct {
	word   strings.Builder
	inWord bool // even an empty one, such as ""
	args   []string
}

func split(line string) ([]string, error) {
	var s splitter
	for i := 0; i < len(line); i++ {
		var err error
		switch c := line[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			s.end()
		case c == '#' && !s.inWord:
			if i = endOfLine(line, i); i < 0 {
				return s.end(), nil
			}
		case c == '\'' || c == '"':
			i, err = s.quoted(line, i)
		case c == '\\':
			i, err = s.escaped(line, i)
		default:
			s.add(c)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.end(), nil
}

func (s *splitter) add(c byte) {
	s.inWord = true
	s.word.WriteByte(c)
}

// end ends the word that has begun, if any.
func (s *splitter) end() []string {
	if s.inWord {
		s.args = append(s.args, s.word.String())
		s.word.Reset()
		s.inWord = false
	}
	return s.args
}

// quoted reads what begins with a quote at i, and returns where it ends.
func (s *splitter) quoted(line string, i int) (int, error) {
	s.inWord = true
	quote := line[i]
	for i++; i < len(line); i++ {
		switch c := line[i]; {
		case c == quote:
			return i, nil
		case c == '\\' && quote == '"':
			var err error
			if i, err = s.escaped(line, i); err != nil {
				return i, err
			}
		default:
			s.add(c)
		}
	}
	return i, errors.New("the command has a quote that is not closed")
}

// escaped adds what follows a backslash at i, and returns where it is.
func (s *splitter) escaped(line string, i int) (int, error) {
	if i+1 == len(line) {
		return i, errors.New("the command ends with a backslash, which nothing follows")
	}
	s.add(line[i+1])
	return i + 1, nil
}

// endOfLine returns where the line that holds i ends, or -1.
func endOfLine(text string, i int) int {
	n := strings.IndexByte(text[i:], '\n')
	if n < 0 {
		return -1
	}
	return i + n
}
