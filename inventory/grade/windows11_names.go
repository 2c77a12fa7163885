package grade

import (
	"regexp"
	"strings"
	"sync"
)

// What [cpuByName] says of a processor that Microsoft supports in some machines
// only, and of one that was sold as two, with stepping 9 and 10.
const (
	onlyInSome = "in-some"
	byStepping = "by-stepping"
)

// nameRule says what a processor's name means for Windows 11.
type nameRule struct {
	pattern string
	verdict string
}

// nameRules are tried in order on a name that [plainCPUName] made; the first
// that fits decides. They say what Microsoft's script makes of the numbers of
// everything that was sold under the name. A name under which both kinds were
// sold is undetermined.
func nameRules() []nameRule {
	return []nameRule{
		// Intel Core by generation, the digits before the last two or three:
		// 8250u, 1035g1, 10210u. Three digits are of the first.
		{`core i7 7820hq\b`, onlyInSome},
		{`core i[79] (78[02]0x|79\d0xe?)\b`, Yes}, // Skylake X
		{`core i3 7020u\b`, byStepping},
		{`core i3 n\d{3}\b`, Yes},
		{`core i[35] l1[36]g[47]\b`, Yes},
		{`core i[3579] ([89]\d{3}|1[0-4]\d{3})[a-z]*\b`, Yes},
		{`core i[3579] 1[0-4]\d\d(n?g[1-9]e?|gre|ul?|ue|ure|pe?|pre)\b`, Yes},
		{`core i[57] 7y\d\d\b`, No},
		{`core i[3579] [2-7]\d{3}[a-z]*\b`, No},
		{`core i[357] ([a-z]{1,2} )?\d{3}[a-z]{0,2}\b`, No},
		{`core m3 8100y\b`, Yes},
		{`core m[357]? [5-7]y\d\d[a-z]?\b|^5y\d\d[a-z]?\b`, No},
		{`core ultra x?[3579] \d{3}[a-z]*\b`, Yes},
		{`core [3579] (n\d{3}|\d{3}[a-z]*)\b`, Yes},
		{`core ?2\b|core (duo|solo)\b`, No},

		{`celeron (3867u|[45][23]05ue?|5805|6305e?|6600he|73\d\d[a-z]?)\b`, Yes},
		{`celeron (g[4-6]9\d\d[a-z]*|[jn]4\d{3}[a-z]?|n5\d{3}[a-z]?|[jn]6[24]1\d)\b`, Yes},
		{`celeron ([a-z]{1,2} ?)?\d{3}[a-z]?\b`, No},
		{`celeron (g[1-3]\d{3}[a-z]*|[jn][1-3]\d{3}[a-z]?|[123]\d{3}(ue|u|y|m|me|e)?|s?[petu]\d{4})\b`, No},
		{`celeron (m|d)\b|celeron dual`, No},
		{`pentium (gold )?(4417u|4425y|5405u|6405u|6500y|6805|7505|850[05]|g5[4-6]\d\d[a-z]*|g6[4-6]\d\d[a-z]*|g7400[a-z]*)\b`, Yes},
		{`pentium (silver )?([jn]50[034]\d|n600[05]|j6426|n6415)\b`, Yes},
		{`pentium (gold )?(440[59][uy]|4410y|4415[uy])\b`, No},
		{`pentium ([a-z]{1,2} ?)?\d{3}[a-z]?\b`, No},
		{`pentium (gold )?(g[2-4]\d{3}[a-z]*|[jn][2-4]\d{3}|[23]\d{3}[umye]|14\d\d[a-z]*|d15\d\d[a-z]*|s?[petu][2-6]\d{3}[a-z]?)\b`, No},
		{`pentium (4|m|d|iii|ii|extreme)\b|pentium dual`, No},
		{`^(n50|n95|n97|n100|n150|n200|n250|u300[a-z]*|u30[123]l)\b`, Yes},
		{`atom x(6[24]|7[24])\d\d[a-z]+\b`, Yes},
		{`atom (x[357] [cez]?\d{4}[a-z]*|[cdenz]\d{3,4}[a-z]{0,2}|330)\b`, No},

		{`xeon (bronze|silver|gold|platinum|max) \d{4}`, Yes},
		{`xeon 6[5-9]\d\d[pe]\b`, Yes},
		{`xeon e 2[1-4]\d\d[a-z]*\b`, Yes},
		{`xeon w (1[0-3]\d\d|2[12]\d\d|3[123]\d\d|1[01]\d{3})[a-z]*\b`, Yes},
		{`xeon w[3579] [23][45]\d\d[a-z]*\b`, Yes},
		{`xeon d (1[78]|2[178])\d\d[a-z]*\b`, Yes},
		{`xeon d 1[56]\d\d[a-z]*\b`, No},
		{`xeon e[357] ?\d{4}`, No},
		{`xeon [elwx]?\d{4}[a-z]?\b`, No}, // E5620, X5670, W3520, 5150
		{`xeon (mp|dp|\d\.\d\dghz)\b`, No},

		{`ryzen threadripper (pro )?(29|39|59|79|99)\d\d(x|wx)\b`, Yes},
		{`ryzen threadripper 19\d\dx\b`, No},
		{`ryzen ai |ryzen z[12]\b`, Yes},
		{`ryzen embedded v1\d{3}`, No},
		{`ryzen embedded (r2|v[23])\d{3}`, Yes},
		{`ryzen [35] 1[26]00\b`, Undetermined}, // sold as first Ryzen and later, as AF, as second
		{`ryzen [357] (pro )?1\d{3}x?\b`, No},
		{`ryzen [357] (pro )?2\d{3}(g|ge|u|h)\b`, No},
		{`ryzen [357] (pro )?2\d{3}[ex]?\b`, Yes},
		{`ryzen [3579] (pro )?[3-9]\d{3}`, Yes},
		{`ryzen [3579] (pro )?[12]\d\d\b`, Yes},
		{`athlon (pro )?2[024]0(ge|u)\b`, No},
		{`athlon (pro )?(3000g|300ge|300u|320ge|3045b)\b`, Yes},
		{`athlon (gold|silver)\b|athlon 7[12]20[eu]\b|^(3015c?e|3020e)\b`, Yes},
		{`athlon (64|ii|x[24]|neo|xp|mp|dual core|5\d{3}[a-z]?|l110)\b`, No},
		{`^(pro )?a\d{1,2} (pro )?(micro )?\d{4}|^fx \d{4}|^e[12] (micro )?\d{4}|^(e|c|z|g|gx|rx) \d{2,3}`, No},
		{`\b(phenom|sempron|turion|opteron|geode|duron)\b`, No},
		{`epyc (embedded )?(7\d\d1p?|3\d\d1)\b`, No},
		{`epyc (embedded )?[4789]\w{3,5}\b`, Yes},

		{`microsoft sq[123]\b|^qc[ms](5430|6490)\b`, Yes},
		{`snapdragon (850|7c|8c|8cx|x)\b|\bx1[ep]? ?\d\d ?\d{3}\b|\bx1[ep]\d{5}\b`, Yes},
		{`snapdragon 835\b|^apple m\d`, No},
	}
}

// matcher is a compiled [nameRule].
type matcher struct {
	pattern *regexp.Regexp
	verdict string
}

// matchers are compiled when the first name is judged.
var matchers = sync.OnceValue(func() []matcher {
	var all []matcher
	for _, r := range nameRules() {
		all = append(all, matcher{regexp.MustCompile(r.pattern), r.verdict})
	}
	return all
})

// cpuByName says what a processor's name means for Windows 11: [Yes], [No],
// [onlyInSome], [byStepping], or [Undetermined] where it is not certain.
func cpuByName(name string) string {
	name = plainCPUName(name)
	for _, m := range matchers() {
		if m.pattern.MatchString(name) {
			return m.verdict
		}
	}
	return Undetermined
}

// maxCPUName is longer than any name: SMBIOS and CPUID give 48 and 64 bytes.
const maxCPUName = 200

// plainCPUName is what tells one processor from another in its name, in small
// letters: "core i5 8250u" of "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz".
func plainCPUName(name string) string {
	if len(name) > maxCPUName {
		return ""
	}
	name = strings.ToLower(name)
	for _, end := range []string{"@", " w/", " with "} {
		name, _, _ = strings.Cut(name, end)
	}
	name = strings.NewReplacer("(r)", " ", "(tm)", " ", "®", " ", "™", " ", "-", " ", ",", " ", "_", " ").Replace(name)
	words := strings.Fields(name)
	kept := words[:0]
	for i, w := range words {
		switch w {
		case "intel", "amd", "cpu", "processor", "apu", "soc", "genuine", "gen", "mobile":
			continue
		case "radeon", "compute":
			return strings.Join(kept, " ") // what follows is of the graphics
		case "core", "cores":
			if len(kept) > 2 && coreCount(words[i-1]) { // "8-Core", "Eight-Core"
				kept = kept[:len(kept)-1]
				continue
			}
		case "0":
			if i == len(words)-1 { // of "E5-2670 0", its version
				continue
			}
		}
		if strings.HasSuffix(w, "th") && len(w) == 4 && i+1 < len(words) && words[i+1] == "gen" { // 11th Gen
			continue
		}
		kept = append(kept, w)
	}
	return strings.Join(kept, " ")
}

func coreCount(word string) bool {
	switch word {
	case "dual", "triple", "quad", "six", "eight":
		return true
	}
	return len(word) <= 3 && strings.Trim(word, "0123456789") == ""
}
