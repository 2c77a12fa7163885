package main

import (
	"strings"

	"github.com/ombruk/ombruk/internal/boot"
	"github.com/ombruk/ombruk/internal/lang"
)

// becomeInit turns this process into the first one of a boot stick, if that is
// what it was started as; it then never returns.
func becomeInit() {
	if boot.IsInit() {
		boot.Init{Program: []string{"/init", stickCommand}, Say: sayTrouble}.Run()
	}
}

// sayTrouble puts what the first process has to say into words.
func sayTrouble(language string, t boot.Trouble) string {
	if t.Stopped {
		return bootText(language, t.Cause, t.Crashes, "boot.stopped", "boot.cause", "boot.stopped.how", "boot.stopped.keys")
	}
	return bootText(language, t.Cause, t.Crashes, "boot.crashed", "boot.cause")
}

// bootText is a page for the console, a paragraph for each key, at most 78
// characters wide.
func bootText(language, cause string, count int, keys ...string) string {
	text, err := lang.For(language)
	if err != nil {
		text, err = lang.For("en")
	}
	if err != nil {
		return cause
	}
	var page strings.Builder
	for _, key := range keys {
		paragraph := text.Get(key, map[string]any{"Cause": printable(cause), "Count": count})
		page.WriteString("\n" + strings.Join(wrap(paragraph, 78, ""), "\n") + "\n")
	}
	return page.String()
}
