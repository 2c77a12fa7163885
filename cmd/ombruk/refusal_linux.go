package main

import (
	"errors"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/lang"
)

// refusals are the messages for the reasons why a drive is left alone: refused.
// and the name here, and for what would help, .way behind it.
var refusals = []struct {
	reason error
	name   string
}{
	{erase.ErrBootMedium, "boot-medium"},
	{erase.ErrMounted, "mounted"},
	{erase.ErrInUse, "in-use"},
	{erase.ErrReadOnly, "read-only"},
	{erase.ErrFabric, "fabric"},
	{erase.ErrNotADrive, "not-a-drive"},
	{erase.ErrEmpty, "empty"},
	{erase.ErrSharedSerial, "shared-serial"},
	{erase.ErrFrozen, "frozen"},
	{erase.ErrLocked, "locked"},
	{erase.ErrNamespaces, "namespaces"},
	{erase.ErrOutOfReach, "out-of-reach"},
}

// refusal tells a technician why a drive is left alone, and the ways out. What
// there are no words for stays as it is.
func refusal(t *lang.Text, err error, plan *erase.Plan) (why string, ways []string) {
	var detail string
	var refused *erase.RefusedError
	if errors.As(err, &refused) {
		detail = refused.Detail
	}
	for _, r := range refusals {
		if !errors.Is(err, r.reason) {
			continue
		}
		values := map[string]any{"Detail": detail, "Ordered": "", "Best": ""}
		if plan != nil {
			values["Ordered"], values["Best"] = t.Get("screen.method."+plan.Accepted.String(), nil), t.Get("screen.method."+plan.Achieves.String(), nil)
		}
		why = t.Get("refused."+r.name, values)
		if way, ok := t.Try("refused."+r.name+".way", nil); ok {
			ways = append(ways, way)
		}
		return why, ways
	}
	if detail == "" {
		detail = err.Error()
	} else if refused.Hint != "" {
		ways = []string{refused.Hint}
	}
	return detail, ways
}
