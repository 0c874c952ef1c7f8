/** Dumps as small as can be. */
export const shopDump = `
create table customers (id int primary key, name varchar(40) not null);
insert into customers values (1, 'Ada'), (2, 'Grace'), (3, 'Edsger');
`;

export const blogDump = `
create table posts (id int primary key, title varchar(40) not null);
insert into posts values (1, 'Hello');
`;
