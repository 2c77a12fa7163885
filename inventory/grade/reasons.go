package grade

import (
	"strings"
	"sync"
)

// because gives a reason in English. Args are names and values in turn.
func because(rule, code string, args ...string) Reason {
	r := Reason{Code: code, Rule: rule, Text: english(code)}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
		r.Text = strings.ReplaceAll(r.Text, "{{."+args[i]+"}}", args[i+1])
	}
	return r
}

// english is the text of a reason, the same as the message grade.CODE.
func english(code string) string { return englishReasons()[code] }

var englishReasons = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"works":            "every part that is to be tried works",
		"unchecked":        "nobody has tried what works",
		"fails-keyboard":   "the keyboard has a fault",
		"fails-screen":     "the screen has a fault",
		"fails-pointer":    "the pointing device has a fault",
		"fails-speakers":   "the speakers have a fault",
		"fails-camera":     "the camera has a fault",
		"fails-ports":      "not every port works",
		"fails-wifi":       "the Wi-Fi has a fault",
		"untried-keyboard": "the keyboard was not tried",
		"untried-screen":   "the screen was not tried",
		"untried-pointer":  "the pointing device was not tried",
		"untried-speakers": "the speakers were not tried",
		"untried-camera":   "the camera was not tried",
		"untried-ports":    "the ports were not tried",
		"untried-wifi":     "the Wi-Fi was not tried",

		"looks":         "a person graded the looks {{.Mark}}",
		"looks-unknown": "nobody has graded the looks",
		"damaged":       "a person found damage",
		"unsafe":        "the electrical safety test failed",

		"battery-health":    "battery health is {{.Percent}} %; {{.Mark}} asks for {{.Least}} %",
		"battery-low":       "battery health is {{.Percent}} %, less than the {{.Least}} % that C asks for: it needs a new battery",
		"battery-failed":    "a person found the battery not good enough",
		"battery-passed":    "a person found the battery good enough; its health is not known",
		"battery-unknown":   "the battery's health is not known",
		"battery-unseen":    "no battery was seen, and such a machine has one",
		"battery-none":      "there is no battery to grade",
		"battery-defective": "the battery is swollen or damaged: do not charge it, keep it apart, and send it as defective (UN 3480 by itself, UN 3481 in the machine; ADR special provision 376)",

		"drive-ok":       "drive {{.Drive}}: healthy",
		"drive-warn":     "drive {{.Drive}}: usable, to be watched",
		"drive-reject":   "drive {{.Drive}}: not to be used again",
		"drive-unknown":  "drive {{.Drive}}: its health is not known",
		"drive-soldered": "drive {{.Drive}}: not to be used again, and it cannot be taken out",
		"drive-replace":  "drive {{.Drive}}: to be replaced before the unit is used again",
		"drive-gone":     "no drive stays in it: it needs a new one",
		"drive-unread":   "no drive was read",
		"drive-none":     "there is no drive to grade",

		"data-clean":           "drive {{.Drive}}: the data is sanitized",
		"data-untreated":       "drive {{.Drive}}: the data must be sanitized first; nothing here says that it is clean",
		"data-unread":          "no drive was read: whatever is in the machine must be sanitized first",
		"data-retry":           "drive {{.Drive}}: sanitizing did not succeed yet and is to be tried again",
		"data-destroy":         "drive {{.Drive}}: to be taken out and destroyed",
		"data-soldered":        "drive {{.Drive}}: to be destroyed, and it cannot be taken out",
		"data-none":            "there is no drive that could hold data",
		"storage-unreachable":  "there is, or may be, storage that nobody has reached",
		"security-graded":      "it holds security-graded information and is not handled here",
		"nothing-known":        "nothing is known of the machine",
		"drive-only":           "only a drive is known, not the machine",
		"not-64-bit":           "the processor does not have 64 bits",
		"bits-unknown":         "whether the processor has 64 bits is not known",
		"grade-unknown":        "it has no grade yet",
		"grade-is":             "its grade is {{.Grade}}",
		"status-waste":         "it came in as waste",
		"status-product":       "it came in as a product",
		"status-unknown":       "nobody said whether it came in as a product or as waste",
		"class-is":             "it is of the class {{.Class}}",
		"processor-old":        "its processor is of a kind first sold in {{.Year}}; {{.Limit}} is asked for",
		"processor-unknown":    "the age of its processor is not known",
		"memory-small":         "no more than {{.GiB}} GiB of memory fit; {{.Limit}} GiB are asked for",
		"memory-unknown":       "how much memory fits is not known",
		"screen-small":         "the screen has {{.Inches}} inches; {{.Limit}} are asked for",
		"screen-lines":         "the screen is {{.Lines}} pixels high; {{.Limit}} are asked for",
		"screen-old":           "the screen was made in {{.Year}}; {{.Limit}} is asked for",
		"screen-unknown":       "the screen's size is not known",
		"screen-lines-unknown": "the screen's resolution is not known",
		"screen-year-unknown":  "the year in which the screen was made is not known",
		"nothing-against":      "nothing speaks against it",

		"lock-firmware-setup-password": "a password guards the firmware's settings",
		"lock-firmware-start-password": "a password keeps the machine from starting",
		"lock-drive-password":          "a password locks a drive",
		"lock-absolute":                "Absolute (Computrace) is active in the firmware",
		"lock-wpbt":                    "the firmware puts a program into Windows (WPBT)",
		"lock-autopilot":               "it is enrolled in Autopilot or another management",
		"lock-apple-lock":              "Apple's Activation Lock or automated enrolment is on",
		"lock-knox":                    "it is enrolled in Knox",
		"lock-chrome-enrol":            "it is enrolled as a managed Chrome device",
		"lock-amt":                     "remote management (AMT, DASH) has somebody's credentials",
		"locks-unknown":                "whether it is locked or enrolled is not known for everything",

		"best":             "it meets all that {{.Letter}} asks for",
		"below-function":   "{{.Letter}} asks for function {{.Asked}}, and it has {{.Mark}}",
		"below-cosmetic":   "{{.Letter}} asks for looks {{.Asked}}, and it has {{.Mark}}",
		"below-battery":    "{{.Letter}} asks for battery {{.Asked}}, and it has {{.Mark}}",
		"below-drive":      "{{.Letter}} asks for drive {{.Asked}}, and it has {{.Mark}}",
		"below-data":       "{{.Letter}} asks for data {{.Asked}}, and it has {{.Mark}}",
		"unknown-function": "no grade before somebody has tried what works",
		"unknown-cosmetic": "no grade before somebody has graded the looks",
		"unknown-battery":  "no grade before the battery's health is known",
		"unknown-drive":    "no grade before the health of the drives is known",
		"unknown-data":     "no grade before the data is treated",
	}
})
