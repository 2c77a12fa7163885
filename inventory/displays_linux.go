package inventory

import "strings"

// displays reads the screens that are connected, the machine's own first. The
// kernel keeps what each said of itself beside its connector.
func displays(t tree) []Display {
	all := []Display{}
	const dir = "/sys/class/drm"
	var others []Display
	for _, name := range t.names(dir) {
		// card0-eDP-1
		card, connector, ok := strings.Cut(name, "-")
		if !ok || !strings.HasPrefix(card, "card") || len(all)+len(others) == maxDisplays {
			continue
		}
		b, err := t.head(dir+"/"+name+"/edid", maxEDIDBlocks*edidBlock)
		if err != nil || len(b) == 0 {
			continue
		}
		d, err := parseEDID(b)
		if err != nil {
			d = Display{Notes: []string{"EDID: it has no header that is known"}}
		}
		d.Connector, d.Internal = cleaned(connector), isInternal(connector)
		if d.Internal {
			all = append(all, d)
		} else {
			others = append(others, d)
		}
	}
	return append(all, others...)
}
