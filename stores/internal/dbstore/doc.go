// Package dbstore is what the stores in databases have in common: how fields are kept in columns, which columns the rows
// have and in which order, how an audit reads them, the migrations, the pages of a sequence, and the mutations that wait
// for their turn. What is a matter of one database, its SQL, its times and its transactions, is the store's own.
package dbstore
