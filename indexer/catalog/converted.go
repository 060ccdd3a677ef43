package catalog

import (
	"encoding/json"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
)

func convertedKey(hash string) string { return "converted " + hash }

// converted records that a message was made from something in another form.
func (t *Tx) converted(f ledger.Converted) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return t.SetMeta(convertedKey(f.Blob), string(b))
}

// Conversion returns what a message was made from; nil for one that is as it came.
func (c *Catalog) Conversion(ref archive.Ref) (*ledger.Converted, error) {
	text, err := c.Meta(convertedKey(ref.Hex()))
	if err != nil || text == "" {
		return nil, err
	}
	f := &ledger.Converted{}
	return f, json.Unmarshal([]byte(text), f)
}

// forgetConverted drops what names an erased message or an erased original.
func (t *Tx) forgetConverted(ref archive.Ref) error {
	return t.exec(`DELETE FROM meta WHERE key >= 'converted ' AND key < 'converted!' AND (key = ? OR instr(value, ?) > 0)`, convertedKey(ref.Hex()), ref.Hex())
}
