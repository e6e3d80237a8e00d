package command_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"homing/dev/command"
	"homing/flytoml"
)

// folder makes one with these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func find(t *testing.T, files map[string]string) (command.Found, error) {
	t.Helper()
	var f *flytoml.File
	if text, ok := files["fly.toml"]; ok {
		var err error
		if f, err = flytoml.Read(strings.NewReader(text), "fly.toml"); err != nil {
			t.Fatal(err)
		}
	}
	return command.Find(folder(t, files), f)
}

func TestFind(t *testing.T) {
	const scripts = `{"scripts": {"start": "node .", "dev": "vite"}}`
	for name, tc := range map[string]struct {
		files      map[string]string
		want, from string
	}{
		"a Procfile counts before all else": {
			map[string]string{"Procfile.dev": "# dev\njs: esbuild\nweb: bin/rails s -p $PORT\n", "bin/dev": "", "package.json": scripts},
			"bin/rails s -p $PORT", "Procfile.dev"},
		"a Procfile without web":          {map[string]string{"Procfile.dev": "server: x\nqueue: y\n"}, "x", "Procfile.dev"},
		"an empty Procfile says nothing":  {map[string]string{"Procfile.dev": "\n# none\n", "bin/dev": ""}, "bin/dev", "bin/dev"},
		"bin/dev":                         {map[string]string{"bin/dev": "#!/bin/sh", "package.json": scripts}, "bin/dev", "bin/dev"},
		"the script dev":                  {map[string]string{"package.json": scripts, "manage.py": ""}, "npm run dev", "package.json"},
		"the script start":                {map[string]string{"package.json": `{"scripts": {"start": "x"}}`}, "npm run start", "package.json"},
		"another package manager":         {map[string]string{"package.json": scripts, "pnpm-lock.yaml": ""}, "pnpm run dev", "package.json"},
		"a package.json for assets alone": {map[string]string{"package.json": `{}`, "manage.py": ""}, "python3 manage.py runserver 127.0.0.1:{port}", "manage.py"},
		"a virtual environment":           {map[string]string{"manage.py": "", ".venv/bin/python": ""}, ".venv/bin/python manage.py runserver 127.0.0.1:{port}", "manage.py"},
		"artisan":                         {map[string]string{"artisan": ""}, "php artisan serve --host=127.0.0.1 --port={port}", "artisan"},
		"Go":                              {map[string]string{"main.go": "", "Dockerfile": "CMD [\"/run-app\"]"}, "go run .", "main.go"},
		"the group that takes requests": {
			map[string]string{"fly.toml": "[processes]\nworker = 'w'\nweb = 'serve \"a b\"'\n[http_service]\nprocesses = ['web']\n", "Dockerfile": "CMD x"},
			"serve 'a b'", "fly.toml's [processes]"},
		"the image's sidecar before a group": {
			map[string]string{"fly.toml": "[processes]\nweb = 'serve'\n", "Dockerfile": "ENTRYPOINT [\"homing\", \"sidecar\", \"--\"]\nCMD x"},
			"homing sidecar -- serve", "fly.toml's [processes]"},
		"no other ENTRYPOINT before a group": {
			map[string]string{"fly.toml": "[processes]\nweb = 'serve'\n", "Dockerfile": "ENTRYPOINT [\"tini\", \"--\"]\nCMD x"},
			"serve", "fly.toml's [processes]"},
		"groups without commands": {map[string]string{"fly.toml": "[processes]\napp = ''\n", "Dockerfile": "CMD x"}, "x", "Dockerfile's CMD"},
		"a Dockerfile of another name": {
			map[string]string{"fly.toml": "[build]\ndockerfile = 'docker/Web'\n", "docker/Web": "CMD x"}, "x", "docker/Web's CMD"},
		"the last stage's CMD": {
			map[string]string{"Dockerfile": "FROM a AS base\nWORKDIR /app\nCMD [\"old\"]\nFROM b\nCMD nothing\nFROM base\nentrypoint [\"/app/run\", \\\n # why\n \"-v\"]\ncmd [\"serve\"]\n"},
			"./run -v serve", "Dockerfile's CMD"},
		"a CMD of a stage it is from": {map[string]string{"Dockerfile": "FROM a AS base\nCMD [\"old\"]\nFROM --platform=x Base\n"}, "old", "Dockerfile's CMD"},
		"an ENTRYPOINT in words":      {map[string]string{"Dockerfile": "ENTRYPOINT a b\nCMD c"}, "a b", "Dockerfile's CMD"},
		"a CMD in words after an ENTRYPOINT": {
			map[string]string{"Dockerfile": "ENTRYPOINT [\"tini\"]\nCMD a && b"}, "tini sh -c 'a && b'", "Dockerfile's CMD"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := find(t, tc.files)
			if err != nil || got.Web.String() != tc.want || got.Web.From != tc.from {
				t.Errorf("%q from %q, %v; want %q from %q", got.Web, got.Web.From, err, tc.want, tc.from)
			}
		})
	}
}

func TestWhatRunsBesideTheWeb(t *testing.T) {
	got, err := find(t, map[string]string{"Procfile.dev": "js: a\nweb: b\ncss: c # d\n"})
	if err != nil || len(got.Others) != 2 || got.Others[0].Name != "js" || got.Others[1].Shell != "c # d" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFoldersThatSayNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"an empty one":            {nil, "homing dev -- node server.js"},
		"a Dockerfile for a base": {map[string]string{"Dockerfile": "FROM a\n"}, "homing dev -- node server.js"},
		"broken JSON":             {map[string]string{"package.json": "{"}, "package.json: unexpected end"},
		"a broken Procfile":       {map[string]string{"Procfile.dev": "\nweb\n"}, "Procfile.dev:2: want a name and a command"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := find(t, tc.files); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v; want %q", err, tc.want)
			}
		})
	}
}

func TestReadDotEnv(t *testing.T) {
	const text = "# a comment\n\nPLAIN=a b # c\nexport  SPACED = x\nHASH=a#b\nEMPTY=\nONLY= # comment\n" +
		"SINGLE='a \\n $b' # c\nDOUBLE=\"a\\n\\\"b\\\" \\d\"\nLONG=\"one\ntwo\"\r\nLAST=1"
	want := []string{"PLAIN=a b", "SPACED=x", "HASH=a#b", "EMPTY=", "ONLY=", `SINGLE=a \n $b`, "DOUBLE=a\n\"b\" \\d", "LONG=one\ntwo", "LAST=1"}
	got, err := command.ReadDotEnv(folder(t, map[string]string{".env": text}))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v\nwant %q", got, err, want)
	}
	if got, err := command.ReadDotEnv(t.TempDir()); got != nil || err != nil {
		t.Errorf("without a file: %q, %v", got, err)
	}
}

func TestABrokenDotEnvKeepsItsSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nhunter2\n":          `.env:2: want a variable, as in NAME="value"`,
		"A='1\n2'\nB=\"hunter2\n": ".env:3: the value has a quote that is not closed",
		"1HUNTER2=x":              `.env:1: want a variable, as in NAME="value"`,
	} {
		_, err := command.ReadDotEnv(folder(t, map[string]string{".env": text}))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

func FuzzReadDotEnv(f *testing.F) {
	for _, seed := range []string{"A=1\n", "A='", "export B=\"\\", "A==\n#", "\r\nA = \"b\" c\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := command.ReadDotEnv(folder(t, map[string]string{".env": text}))
		for _, v := range all {
			if name, _, ok := strings.Cut(v, "="); !ok || name == "" || strings.ContainsRune(v, 0) || err != nil {
				t.Errorf("%q of %q, with error %v", v, text, err)
			}
		}
	})
}
