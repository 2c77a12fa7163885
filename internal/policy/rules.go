package policy

import (
	"fmt"
	"reflect"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory"
)

// purgeTable is the purge: part of the file, a list of media for each command.
// The keys are those commands that can be Purge at all.
type purgeTable struct {
	ATASanitizeCrypto        []string `yaml:"ata-sanitize-crypto"`
	ATASanitizeBlock         []string `yaml:"ata-sanitize-block"`
	ATASanitizeOverwrite     []string `yaml:"ata-sanitize-overwrite"`
	ATASecurityErase         []string `yaml:"ata-security-erase"`
	ATASecurityEraseEnhanced []string `yaml:"ata-security-erase-enhanced"`
	SCSISanitizeCrypto       []string `yaml:"scsi-sanitize-crypto"`
	SCSISanitizeBlock        []string `yaml:"scsi-sanitize-block"`
	SCSISanitizeOverwrite    []string `yaml:"scsi-sanitize-overwrite"`
	SCSIFormat               []string `yaml:"scsi-format"`
	NVMeSanitizeCrypto       []string `yaml:"nvme-sanitize-crypto"`
	NVMeSanitizeBlock        []string `yaml:"nvme-sanitize-block"`
	NVMeSanitizeOverwrite    []string `yaml:"nvme-sanitize-overwrite"`
	NVMeFormatUser           []string `yaml:"nvme-format-user"`
	NVMeFormatCrypto         []string `yaml:"nvme-format-crypto"`
	TCGRevert                []string `yaml:"tcg-revert"`
	TCGPSIDRevert            []string `yaml:"tcg-psid-revert"`
	MMCSanitize              []string `yaml:"mmc-sanitize"`
	MMCSecureErase           []string `yaml:"mmc-secure-erase"`
	MMCErase                 []string `yaml:"mmc-erase"`
	SDErase                  []string `yaml:"sd-erase"`
}

// readBackTable is the verify: part of the file.
type readBackTable struct {
	AfterOverwrite         string `yaml:"after_overwrite"`
	AfterCryptoErase       string `yaml:"after_crypto_erase"`
	AfterBlockErase        string `yaml:"after_block_erase"`
	AfterSanitizeOverwrite string `yaml:"after_sanitize_overwrite"`
	AfterSecurityErase     string `yaml:"after_security_erase"`
	AfterFormat            string `yaml:"after_format"`
	AfterRevert            string `yaml:"after_revert"`
}

// keyed gives the yaml tag and the value of each field of a struct.
func keyed(table any) func(yield func(key string, value reflect.Value) bool) {
	return func(yield func(string, reflect.Value) bool) {
		v := reflect.ValueOf(table)
		for i := range v.NumField() {
			if !yield(v.Type().Field(i).Tag.Get("yaml"), v.Field(i)) {
				return
			}
		}
	}
}

// rules reads the parts that shape plans. What the file leaves out is as in
// otherwise: purge and overwrite_after as a whole, verify key by key.
func rules(f *yamlfile.File, in file, otherwise erase.Rules) (erase.Rules, error) {
	r := erase.Rules{Purge: otherwise.Purge, ReadBack: map[erase.Technique]erase.VerifyMode{}, OverwriteAfter: otherwise.OverwriteAfter, GoOn: otherwise.GoOn}
	if in.ResumeOverwrite != "" {
		g, err := goOn(in.ResumeOverwrite)
		if err != nil {
			return r, f.Errorf("resume_overwrite", "resume_overwrite: %w", err)
		}
		r.GoOn = g
	}
	if in.Purge != nil {
		r.Purge = map[inventory.EraseCommand][]inventory.Media{}
		for key, value := range keyed(*in.Purge) {
			for i, m := range value.Interface().([]string) {
				c, media := inventory.EraseCommand(key), inventory.Media(m)
				if err := erase.CheckPurge(c, media); err != nil {
					return r, f.Errorf(fmt.Sprintf("purge.%s[%d]", key, i), "purge.%s: %w", key, err)
				}
				r.Purge[c] = append(r.Purge[c], media)
			}
		}
	}
	for key, technique := range techniques() {
		r.ReadBack[technique] = erase.VerifyFull
		if m, ok := otherwise.ReadBack[technique]; ok {
			r.ReadBack[technique] = m
		}
		for written, value := range keyed(in.Verify) {
			if s := value.String(); written == key && s != "" {
				m, err := verifyMode(s)
				if err != nil {
					return r, f.Errorf("verify."+key, "verify.%s: %w", key, err)
				}
				r.ReadBack[technique] = m
			}
		}
	}
	if in.OverwriteAfter != nil {
		r.OverwriteAfter = nil
		for i, key := range in.OverwriteAfter {
			c := inventory.EraseCommand(key)
			if !isCommand(key) {
				return r, f.Errorf(fmt.Sprintf("overwrite_after[%d]", i), "overwrite_after: command %.40q is not known: they are named as under purge", key)
			}
			r.OverwriteAfter = append(r.OverwriteAfter, c)
		}
	}
	return r, nil
}

func isCommand(name string) bool {
	for key := range keyed(purgeTable{}) {
		if key == name {
			return true
		}
	}
	return false
}

// techniques says which technique each key of verify: is about.
func techniques() map[string]erase.Technique {
	return map[string]erase.Technique{
		"after_overwrite":          erase.Overwrite,
		"after_crypto_erase":       erase.CryptoErase,
		"after_block_erase":        erase.BlockErase,
		"after_sanitize_overwrite": erase.SanitizeOverwrite,
		"after_security_erase":     erase.SecurityErase,
		"after_format":             erase.Format,
		"after_revert":             erase.Revert,
	}
}
