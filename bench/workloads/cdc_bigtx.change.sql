-- One transaction that updates every row: a million at scale 1.
UPDATE updated SET k = k + 1, amount = amount + 1, at = at + interval '1 day';
