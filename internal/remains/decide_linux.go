package remains

import (
	"slices"

	"github.com/ombruk/ombruk/certs"
)

// Decide says what a record can say of each thing: first is what was seen when
// the machine came, last what was seen at the end, did what [Source.Clear]
// gave, and said what people said (of which Thing, State and Text count). What
// is seen to be there outweighs what anybody says, and of what nobody said and
// nothing shows nothing is said.
func Decide(first, last []Seen, did, said []certs.Remain) []certs.Remain {
	var all []certs.Remain
	for _, thing := range certs.RemainThings() {
		r := decide(thing, seenOf(first, thing), seenOf(last, thing), remainOf(did, thing), remainOf(said, thing))
		if r.State != "" {
			r.Thing = thing
			all = append(all, r)
		}
	}
	return all
}

func decide(thing string, first, last Seen, did, said certs.Remain) certs.Remain {
	ombruk := func(state certs.RemainState, text string) certs.Remain {
		return certs.Remain{State: state, By: certs.ByOmbruk, Text: text}
	}
	person := certs.Remain{State: said.State, By: certs.ByPerson, Text: sentence("%s", said.Text)}
	switch thing {
	case certs.RemainTPM:
		switch {
		case did.State == certs.RemainDone || did.State == certs.RemainRequested:
			return did
		case last.Presence == Absent:
			return ombruk(certs.RemainNone, "the machine shows no TPM; one that is hidden in the firmware setup would not be seen")
		case last.Presence == Present && said.State == certs.RemainDone && last.Taken:
			return ombruk(certs.RemainLeft, "somebody said that the TPM was cleared, and its passwords are still set")
		case last.Presence == Present && said.State == certs.RemainNone:
			return ombruk(certs.RemainLeft, "somebody said that there is no TPM, and there is one")
		case said.State == certs.RemainDone:
			return person
		case did.State != "":
			return did
		case said.State != "":
			return person
		case last.Presence == Present:
			return ombruk(certs.RemainLeft, "the TPM was not cleared: nobody asked for it")
		}
		return certs.Remain{}
	case certs.RemainCard, certs.RemainDisc:
		what := map[string]string{certs.RemainCard: "a memory card", certs.RemainDisc: "a disc"}[thing]
		switch {
		case last.Presence == Present && (said.State == certs.RemainDone || said.State == certs.RemainNone):
			return ombruk(certs.RemainLeft, "somebody said that "+what+" was taken out, and it is still in")
		case last.Presence == Present && said.State == certs.RemainLeft:
			return person
		case last.Presence == Present:
			if did.State != "" {
				return did
			}
			return ombruk(certs.RemainLeft, what+" is in the machine")
		case last.Presence == Absent && first.Presence == Present:
			return ombruk(certs.RemainDone, what+" was in the machine and was taken out")
		case last.Presence == Absent:
			return ombruk(certs.RemainNone, "what "+what+" goes into is empty")
		case said.State != "":
			return person
		case first.Presence == Present && thing == certs.RemainDisc:
			if did.State != "" {
				return did
			}
			return ombruk(certs.RemainLeft, "a disc was in; nobody said that it was taken out")
		case first.Presence == Present:
			// The reader went with its card.
			return ombruk(certs.RemainDone, what+" was in the machine and is not there any more")
		}
		return certs.Remain{}
	}
	if said.State == "" {
		return certs.Remain{}
	}
	return person
}

func seenOf(all []Seen, thing string) Seen {
	if i := slices.IndexFunc(all, func(s Seen) bool { return s.Thing == thing }); i >= 0 {
		return all[i]
	}
	return Seen{}
}

func remainOf(all []certs.Remain, thing string) certs.Remain {
	if i := slices.IndexFunc(all, func(r certs.Remain) bool { return r.Thing == thing }); i >= 0 {
		return all[i]
	}
	return certs.Remain{}
}
