-- search: nearest by meaning and by words in one space, one round trip
select * from obelisk.search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- of_documents: passages of named documents in one space, one round trip
select * from obelisk.passages_of_documents($1, $2, $3, $4, $5);
