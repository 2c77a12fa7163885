package bootusb

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bom lists what is on the stick: the packages it was taken from, our program
// with its Go modules, and whose signatures the programs carry.
func (p *pieces) bom(o *Options) ([]byte, error) {
	bom := cdx.NewBOM()
	bom.SerialNumber = "urn:uuid:" + strings.ToLower(p.id.guid(9))
	bom.Metadata = &cdx.Metadata{
		Timestamp: o.Time.UTC().Format(time.RFC3339),
		Component: &cdx.Component{BOMRef: "stick", Type: cdx.ComponentTypeOS, Name: "ombruk boot stick"},
	}
	program, modules := ourProgram(o.Program)
	components := []cdx.Component{program}
	used := []string{program.BOMRef}
	for _, pkg := range o.Packages.list {
		c := p.packageComponent(pkg)
		components = append(components, c)
		used = append(used, c.BOMRef)
	}
	components = append(components, modules...)
	var refs []string
	for _, m := range modules {
		refs = append(refs, m.BOMRef)
	}
	bom.Components = &components
	dependencies := []cdx.Dependency{{Ref: "stick", Dependencies: &used}}
	if refs != nil {
		dependencies = append(dependencies, cdx.Dependency{Ref: program.BOMRef, Dependencies: &refs})
	}
	bom.Dependencies = &dependencies
	var b bytes.Buffer
	e := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := e.EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func sha256Hash(hexadecimal string) *[]cdx.Hash {
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hexadecimal}}
}

// ourProgram is the program and the Go modules that it says it was built from.
func ourProgram(b []byte) (cdx.Component, []cdx.Component) {
	digest := sha256.Sum256(b)
	program := cdx.Component{
		BOMRef: "program", Type: cdx.ComponentTypeApplication, Name: "ombruk",
		Hashes: sha256Hash(hex.EncodeToString(digest[:])),
	}
	info, err := buildinfo.Read(bytes.NewReader(b))
	if err != nil {
		return program, nil // it says nothing
	}
	program.Version = info.Main.Version
	modules := []cdx.Component{{
		BOMRef: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"), Type: cdx.ComponentTypeLibrary, Name: "std",
		Version: strings.TrimPrefix(info.GoVersion, "go"), PackageURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := "pkg:golang/" + strings.ToLower(m.Path) + "@" + m.Version
		if slices.ContainsFunc(modules, func(c cdx.Component) bool { return c.BOMRef == purl }) {
			continue
		}
		modules = append(modules, cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl})
	}
	return program, modules
}

// packageComponent is one package, and what of it is on the stick and signed.
func (p *pieces) packageComponent(pkg Package) cdx.Component {
	vendor := "debian"
	if strings.Contains(pkg.Version, "ubuntu") || strings.HasSuffix(pkg.Name, "-generic") {
		vendor = "ubuntu"
	}
	purl := "pkg:deb/" + vendor + "/" + url.PathEscape(pkg.Name) + "@" + url.QueryEscape(pkg.Version) + "?arch=" + pkg.Architecture
	c := cdx.Component{
		BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: pkg.Name, Version: pkg.Version, PackageURL: purl,
		Hashes: sha256Hash(pkg.SHA256),
	}
	var properties []cdx.Property
	for _, one := range []struct {
		file string
		program
	}{
		{"EFI/BOOT/BOOTX64.EFI", p.shim}, {"EFI/BOOT/mmx64.efi", p.manager}, {"EFI/BOOT/grubx64.efi", p.grub}, {"boot/vmlinuz", p.kernel},
	} {
		if one.pkg != pkg.Name {
			continue
		}
		properties = append(properties, cdx.Property{Name: "ombruk:file", Value: one.file})
		for _, name := range one.signers {
			properties = append(properties, cdx.Property{Name: "ombruk:signer", Value: one.file + ": " + name})
		}
	}
	if properties != nil {
		c.Properties = &properties
	}
	return c
}
