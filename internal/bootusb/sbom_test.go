package bootusb

import (
	"bytes"
	"os"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Somebody asks what is on a stick, and who signed it.
func TestTheListOfWhatIsOnAStick(t *testing.T) {
	o := testOptions(t, testDistribution(t))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := assemble(t.Context(), &o, quiet)
	if err != nil {
		t.Fatal(err)
	}
	o.Program = read(t, self) // this test, which was built from modules too
	b, err := p.bom(&o)
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(b), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SpecVersion != cdx.SpecVersion1_6 || bom.Metadata.Timestamp != "2026-11-22T12:00:01Z" || !strings.HasPrefix(bom.SerialNumber, "urn:uuid:") {
		t.Errorf("got version %s, time %s, number %s", bom.SpecVersion, bom.Metadata.Timestamp, bom.SerialNumber)
	}
	seen := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		if _, ok := seen[c.BOMRef]; ok {
			t.Errorf("%s is in it twice", c.BOMRef)
		}
		seen[c.BOMRef] = c
	}
	for _, pkg := range o.Packages.List() {
		c := seen["pkg:deb/debian/"+pkg.Name+"@1.0?arch=amd64"]
		if c.Hashes == nil || (*c.Hashes)[0].Value != pkg.SHA256 {
			t.Errorf("%s is not in it with its digest: %+v", pkg.Name, c)
		}
	}
	if !bytes.Contains(b, []byte("boot/vmlinuz: Test Distribution Signer")) || !bytes.Contains(b, []byte("EFI/BOOT/BOOTX64.EFI: Test UEFI CA")) {
		t.Errorf("it does not say who signed: %s", b)
	}
	std := false
	for ref := range seen {
		std = std || strings.HasPrefix(ref, "pkg:golang/std@")
	}
	if !std || seen["program"].Name != "ombruk" {
		t.Error("the program's Go version or the program itself is not in it")
	}
	if bytes.Contains(b, []byte("secret")) {
		t.Error("a setting is in it")
	}
}
