// Package ata encodes ATA commands and decodes what drives answer (ACS-4,
// ATA8-ACS for what was dropped since). The commands travel inside SCSI
// (SAT-4, ATA PASS-THROUGH). It decides nothing.
package ata
