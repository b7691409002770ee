-- Where things are: matters around a point are looked for before a report becomes a ticket, and villages by their coordinates.

ALTER TABLE area ADD COLUMN lat DOUBLE PRECISION;
ALTER TABLE area ADD COLUMN lng DOUBLE PRECISION;
-- Counties next to this one, as JSON: their matters are refused with a word.
ALTER TABLE area ADD COLUMN neighbours TEXT NOT NULL DEFAULT '[]';
