#!/usr/bin/env python3
"""Makes the two faces in this folder from Inter's variable font.

Usage: make.py Inter-roman.var.ttf OUTPUT_FOLDER

Needs fontTools 4.38 (Debian: python3-fonttools). The Debian package
fonts-inter-variable has the source under
/usr/share/fonts/truetype/inter-vf/Inter-roman.var.ttf.

A PDF viewer applies no OpenType features and the PDF writer reads none, so the
wanted forms are moved into the character map: tabular figures, a slashed zero
and an I with bars, so that a serial number can be typed from paper.
"""
import sys

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

RANGES = [
    (0x0020, 0x007E), (0x00A0, 0x024F), (0x02C6, 0x02DD), (0x0370, 0x03CE),
    (0x0400, 0x045F), (0x0490, 0x0491), (0x1E80, 0x1E85), (0x1E9E, 0x1E9E),
    (0x1EA0, 0x1EF9), (0x2010, 0x2027), (0x202F, 0x203A),
    (0x2044, 0x2044), (0x2070, 0x2089), (0x20AC, 0x20AC), (0x2116, 0x2122),
    (0x2190, 0x2199), (0x2212, 0x2212), (0x2248, 0x2248), (0x2260, 0x2265),
]
FEATURES = ["zero", "tnum", "cv08"]
FACES = {
    "Regular": 400,
    "SemiBold": 600,
}


def single_substitutions(font, tag):
    """Glyph replacements of one feature, in lookup order."""
    gsub = font["GSUB"].table
    indices = {i for r in gsub.FeatureList.FeatureRecord if r.FeatureTag == tag
               for i in r.Feature.LookupListIndex}
    out = {}
    for i in sorted(indices):
        for sub in gsub.LookupList.Lookup[i].SubTable:
            sub = getattr(sub, "ExtSubTable", sub)
            out.update(getattr(sub, "mapping", {}))
    return out


def make(source, name, weight, out):
    font = TTFont(source)
    font = instantiateVariableFont(font, {"wght": weight})
    cmap = font.getBestCmap()
    wanted = {ord(c) for c in "0123456789I"}
    moved = {u: g for u, g in cmap.items() if u in wanted}
    for tag in FEATURES:
        subst = single_substitutions(font, tag)
        moved = {u: subst.get(g, g) for u, g in moved.items()}
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update({u: g for u, g in moved.items() if u in table.cmap})

    options = Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.glyph_names = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "HVAR", "MVAR", "DSIG", "meta"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[u for a, b in RANGES for u in range(a, b + 1)])
    subsetter.subset(font)

    full = "Inter Ombruk " + name
    for record in list(font["name"].names):
        new = {1: "Inter Ombruk", 2: name, 3: full, 4: full, 6: full.replace(" ", "")}.get(record.nameID)
        if new:
            record.string = new
    font["OS/2"].fsType = 0
    font.recalcTimestamp = False
    font.save(f"{out}/Inter-{name}.ttf")
    print(name, {chr(u): g for u, g in moved.items()})


if __name__ == "__main__":
    for face, face_weight in FACES.items():
        make(sys.argv[1], face, face_weight, sys.argv[2])
