package inventory

// Reason is why a machine's storage was not erased, or cannot be seen.
type Reason struct {
	Code string `json:"code"`
	// PCIID and Device name the controller, where one is the reason.
	PCIID  string `json:"pci_id,omitempty"`
	Device string `json:"device,omitempty"`
	Text   string `json:"text"` // in English, a sentence
}

// The codes that [Unseen] gives. There is a message unseen.CODE for each, which
// takes Device and, where it speaks of several, Count.
const (
	UnseenRAIDMode     = "raid-mode"
	UnseenVMD          = "vmd"
	UnseenNoDriver     = "no-driver"
	UnseenAppleT2      = "apple-t2"
	UnseenSoldered     = "soldered-unreachable"
	UnseenSilent       = "silent"           // a drive is there and gives no capacity
	UnseenNothing      = "nothing-attached" // controllers work and nothing hangs on them
	UnseenNoController = "no-controller"
)

// Hides reports whether there is, or may be, storage behind the reason. What
// does not hide anything only explains why a machine has none.
func (r Reason) Hides() bool { return r.Code != UnseenNothing && r.Code != UnseenNoController }

// Unseen says why storage of a machine is not seen, most important first: what
// hides drives besides those that are seen, and, where there is none at all,
// why not. Empty when nothing is missing.
func Unseen(m Machine) []Reason { return nil }
