package command

import (
	"fmt"
	"os"
	"strings"
)

// DotEnvName is the file that developers keep variables in.
const DotEnvName = ".env"

// ReadDotEnv reads the .env file in dir, as "NAME=value" in its order; none if there is
// no file. Errors name a line, and never what stands in it, which may be a secret.
//
// A line is NAME=value, with "export" before it or not. In single quotes a value stands
// as it is; in double quotes \n, \" and \\ are what they are elsewhere; without quotes it
// ends before " #". Values in quotes may go over several lines. Nothing is put in for $NAME.
func ReadDotEnv(dir string) ([]string, error) {
	text, ok, err := finder{files: os.DirFS(dir)}.read(DotEnvName)
	if !ok {
		return nil, err
	}
	var all []string
	for line := 1; text != ""; {
		rest := strings.TrimLeft(text, " \t\r")
		if rest == "" || rest[0] == '\n' || rest[0] == '#' {
			_, text, _ = strings.Cut(rest, "\n")
			line++
			continue
		}
		name, value, after, wrong := assignment(rest)
		if wrong != "" {
			return nil, fmt.Errorf("%s:%d: %s", DotEnvName, line, wrong)
		}
		line += strings.Count(rest[:len(rest)-len(after)], "\n")
		all, text = append(all, name+"="+value), after
	}
	return all, nil
}

// assignment reads the variable that text begins with, and returns what follows its
// line. wrong says what is.
func assignment(text string) (name, value, after, wrong string) {
	const want = `want a variable, as in NAME="value"`
	name, rest, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
	if !ok || !isVariable(name) {
		return "", "", "", want
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		value, after, _ = strings.Cut(rest, "\n")
		if i := strings.Index(" "+value, " #"); i >= 0 {
			value = value[:max(0, i-1)]
		}
		value = strings.TrimSpace(value)
	} else if value, after, ok = quoted(rest); !ok {
		return "", "", "", "the value has a quote that is not closed"
	}
	if strings.ContainsRune(value, 0) {
		return "", "", "", "the value has a zero byte"
	}
	return name, value, after, ""
}

// quoted reads a value in quotes, and returns what follows its line.
func quoted(text string) (value, after string, ok bool) {
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			_, after, _ = strings.Cut(text[i+1:], "\n")
			return b.String(), after, true
		case c == '\\' && quote == '"' && i+1 < len(text):
			i++
			b.WriteString(unescaped(text[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// unescaped is what a backslash before c stands for.
func unescaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(c)
	}
	return `\` + string(c)
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') && (i == 0 || c != '.' && c != '-') {
			return false
		}
	}
	return name != ""
}
