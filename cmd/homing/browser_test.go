package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// openBrowser starts a Chromium of its own, which ends with the test. `make test`
// installs it where it is missing.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; install it with: make setup", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	return ctx
}

// browse does one thing in the browser and returns what came of it.
func browse[T any](t *testing.T, browser context.Context, action chromedp.Action[T]) T {
	t.Helper()
	result, err := chromedp.Run(browser, action)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestInABrowser(t *testing.T) {
	d := startDemo(t, "--distances", "none")
	browser := openBrowser(t)
	d.turn("gru", "hold")

	browse(t, browser, chromedp.Navigate(d.regions()["gru"].EdgeURL)) // by name, as people open it
	browse(t, browser, chromedp.SendKeys(chromedp.CSS(`input[name=author]`), "Ana"))
	browse(t, browser, chromedp.SendKeys(chromedp.CSS(`textarea[name=text]`), "from a browser"))
	if _, err := chromedp.RunResponse(browser, chromedp.Click(chromedp.CSS(`form.new button`))); err != nil {
		t.Fatal(err)
	}
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`article`)))
	page := browse(t, browser, chromedp.Text(chromedp.CSS(`body`)))
	if !strings.Contains(page, "from a browser") || !strings.Contains(page, "Answered in ord") {
		t.Errorf("after signing, with replication held back, the page says:\n%s", page)
	}

	browse(t, browser, chromedp.Navigate(d.page))
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`#connection.live`)))
	d.visitor("ams", true).get("/visits")
	// Nothing is loaded again.
	browse(t, browser, chromedp.WaitVisible(chromedp.Search(`//ol[@id="journeys"]/li[1]//bdi[text()="/visits"]`)))
	first := browse(t, browser, chromedp.Text(chromedp.CSS(`#journeys li:first-child`)))
	for _, want := range []string{"user in Amsterdam", "ams sent home", "the database refused a write", "ord served"} {
		if !strings.Contains(first, want) {
			t.Errorf("the newest request does not say %q:\n%s", want, first)
		}
	}

	browse(t, browser, chromedp.Click(chromedp.CSS(`[data-region=gru] [data-switch=held]`)))
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`[data-region=gru] [data-switch=held][aria-checked=false]`)))
	if d.regions()["gru"].Held {
		t.Error("the switch went back, and replication is still held")
	}
	browse(t, browser, chromedp.Click(chromedp.CSS(`[data-region=gru] [data-switch=cut]`)))
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`[data-region=gru][data-state=cut] [data-switch=cut][aria-checked=true]`)))
	browse(t, browser, chromedp.Click(chromedp.CSS(`[data-region=ams] [data-switch=stopped]`)))
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`[data-region=ams] [data-switch=stopped][aria-checked=true]`)))
	if d.regions()["ams"].Running {
		t.Error("the switch says stopped, and the machine runs")
	}
}

// TestThePrimaryMovesInABrowser clicks the button that moves it, and writes after that.
func TestThePrimaryMovesInABrowser(t *testing.T) {
	d := startDemo(t, "--db", "postgres", "--distances", "none")
	browser := openBrowser(t)
	browse(t, browser, chromedp.Navigate(d.page))
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`#connection.live`)))
	browse(t, browser, chromedp.Click(chromedp.CSS(`[data-region=ams] button[data-switch=primary]`)))
	// Its own button goes, and the one of the region that it came from is there.
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`[data-region=ord] button[data-switch=primary]`)))
	browse(t, browser, chromedp.WaitNotVisible(chromedp.CSS(`[data-region=ams] button[data-switch=primary]`)))

	browse(t, browser, chromedp.Navigate(d.regions()["gru"].EdgeURL))
	browse(t, browser, chromedp.SendKeys(chromedp.CSS(`textarea[name=text]`), "after the move"))
	if _, err := chromedp.RunResponse(browser, chromedp.Click(chromedp.CSS(`form.new button`))); err != nil {
		t.Fatal(err)
	}
	browse(t, browser, chromedp.WaitVisible(chromedp.CSS(`article`)))
	if page := browse(t, browser, chromedp.Text(chromedp.CSS(`body`))); !strings.Contains(page, "after the move") {
		t.Errorf("the page says:\n%s", page)
	}
	if now := d.regions()["ams"]; now.Role != "primary" {
		t.Errorf("ams is %+v", now)
	}
}
