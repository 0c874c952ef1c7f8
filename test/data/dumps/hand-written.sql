# A script as people write it: it's "their" own way; all of it
/* drop table everything;
   -- */
drop table if exists People, People_seq;

create table People(
	Id int primary key auto_increment, -- it's the key; really
	Name varchar(80) not null,         # "who
	Born date default null /* ' */
);;
Insert into People(Name,Born) values('O''Brien',"1999-12-31"), ("say \"hi\"", null)  ; insert into People (Name) values ('two in a line'),('semi;colon'), ('-- no comment'), ('/* neither */'), ('# nor this');
insert into People (Name) values ('a
line
break'), ('Ünïcödé 😀'), (concat('a' , ' b'   'c')), (0x4142), (_utf8mb4'x'), (N'y'), ('trailing space ')
;
select count(*) from People\G
set @n = (select count(*) from People);
insert into People set Name = @n;

delimiter //
create procedure Twice(n int) begin select n * 2; select ';'; end//
create function Half(n int) returns int deterministic return n div 2 //
delimiter $$
create trigger Named before insert on People for each row begin set new.Name = trim(new.Name); end $$
DELIMITER ;
create sequence Tickets start with 7 increment by 3;
create table Numbered (Id bigint not null default (next value for Tickets), T text, primary key (Id));
insert into Numbered (T) values ('by sequence'), ('again');
create view Old as select * from People where Born < '2000-01-01';
begin; insert into People (Name) values ('kept'); commit;
begin; insert into People (Name) values ('rolled back'); rollback;
grant select on *.* to 'reader'@'%' identified by 'secret';
insert into People (Name) values ('no semicolon at the end')
