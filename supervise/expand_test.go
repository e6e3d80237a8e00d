package supervise

import (
	"os/exec"
	"strings"
	"testing"
)

var values = Values{"port": "8081", "region": "gru", "machine": "e148", "dir": "/o'brien/my $app", "empty": ""}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"no braces":                          "no braces",
		"-p {port}":                          "-p 8081",
		"{region}-{machine}{port}":           "gru-e1488081",
		"{dir}/x":                            "/o'brien/my $app/x",
		"{unknown} {Port} {port } { port}":   "{unknown} {Port} {port } { port}",
		"{{port}} {} { }":                    "{8081} {} { }",
		"{port":                              "{port",
		`{"port": {port}}`:                   `{"port": 8081}`,
		"postgres://localhost/app_{region}?": "postgres://localhost/app_gru?",
	} {
		if got := values.Expand(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestExpandShell(t *testing.T) {
	const quoted = `'/o'\''brien/my $app'`
	for text, want := range map[string]string{
		"rails s -p {port}":      "rails s -p 8081",
		"cd {dir} && ls":         "cd " + quoted + " && ls",
		`cd "{dir}/x"`:           `cd "/o'brien/my \$app/x"`,
		`cd '{dir}/x'`:           `cd '/o'\''brien/my $app/x'`,
		`echo "$(ls {dir})"`:     `echo "$(ls ` + quoted + `)"`,
		`echo "$(a "{dir}")$x"`:  `echo "$(a "/o'brien/my \$app")$x"`,
		`(cd {dir}) "{port}"`:    `(cd ` + quoted + `) "8081"`,
		"{empty}x":               "''x",
		`"{empty}x"`:             `"x"`,
		"${dir} {unknown}":       "${dir} {unknown}",
		`\{port} \\{port}`:       `\{port} \\8081`,
		`\'{dir}\"`:              `\'` + quoted + `\"`,
		"x # don't {dir}\n{dir}": "x # don't {dir}\n" + quoted,
		"x#y {dir}":              "x#y " + quoted,
		"a\\\n#y' {dir}'":        "a\\\n#y' " + `/o'\''brien/my $app` + "'",
		"`ls {port}`":            "`ls 8081`",
		"`ls` {dir}":             "`ls` " + quoted,
		"{ a; }":                 "{ a; }",
	} {
		if got, err := values.ExpandShell(text); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestExpandShellRefusesWhatIsUnclear(t *testing.T) {
	for _, text := range []string{"`ls {dir}`", "cat <<end\n{dir}\nend\n", "\"$(case x in x) ls {dir};; esac)\"", `echo $'it\'s' {dir}`} {
		if got, err := values.ExpandShell(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %q, %v; want an error", text, got, err)
		}
	}
}

// Whatever a value is, a shell sees it as it is.
func FuzzExpandShell(f *testing.F) {
	for _, value := range []string{"", " ", "a b", "'", `"`, `\`, "$(exit 9)", "`exit 9`", "a\nb", "; exit 9", "#", "~", "*", "-n", "{dir}", "é", "\xff", "!!", "$'", "<<x"} {
		f.Add(value)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) || strings.HasSuffix(value, "\n") {
			t.Skip("no shell can have the one, and $( ) takes off the other")
		}
		const text = `printf '%s|' {dir} a{dir}b "{dir}" "a{dir}b" '{dir}' "$(printf %s {dir})" "$(printf %s "{dir}")" # '{dir}`
		line, err := Values{"dir": value}.ExpandShell(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command(sh, "-c", line).Output()
		want := strings.NewReplacer("V", value).Replace("V|aVb|V|aVb|V|V|V|")
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	})
}
