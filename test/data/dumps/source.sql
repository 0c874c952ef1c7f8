-- Everything a server can hold. Test servers are filled with it, and dumped by real tools.
-- Accounts that its own server has, and others that load its dumps have not.
CREATE USER `gone`@`10.%`, `nobody-here`@`%`, empty@`%`;
GRANT ALL ON *.* TO `gone`@`10.%`, `nobody-here`@`%`, empty@`%`;
CREATE USER app@`%` IDENTIFIED BY 'app-secret', app@localhost IDENTIFIED BY 'app-secret';
GRANT ALL ON *.* TO app@`%`, app@localhost;
CREATE ROLE reporting; GRANT SELECT ON *.* TO reporting; GRANT reporting TO app@`%`;

CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'the main one';
USE shop;

CREATE TABLE customers (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(100) NOT NULL COMMENT 'it''s "the" \\ name; really',
  email varchar(190) COLLATE utf8mb4_bin DEFAULT NULL,
  level enum('new','it''s; old','ältere') NOT NULL DEFAULT 'new',
  flags set('a','b','c;d') DEFAULT 'a',
  bits bit(9) DEFAULT b'101010101',
  balance decimal(38,10) NOT NULL DEFAULT -12345678901234567890.0123456789,
  ratio double, weight float,
  born date, woken time(6), seen datetime(6), stamped timestamp(3) NULL, yr year,
  settings longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (json_valid(settings)),
  doc json DEFAULT NULL,
  uid uuid DEFAULT NULL, addr inet6 DEFAULT NULL,
  token varchar(40) DEFAULT (concat('t-', 1 + 1)),
  created timestamp NOT NULL DEFAULT '2020-01-01 00:00:00' ON UPDATE current_timestamp(),
  hidden int INVISIBLE DEFAULT 42,
  total decimal(12,2) GENERATED ALWAYS AS (char_length(name) * 1.5) VIRTUAL,
  upper_name varchar(100) GENERATED ALWAYS AS (upper(name)) STORED,
  referrer int unsigned DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY email (email),
  KEY name_prefix (name(10) DESC),
  KEY ignored_one (level) IGNORED,
  FULLTEXT KEY words (name),
  CONSTRAINT positive CHECK (yr >= 0),
  CONSTRAINT referred FOREIGN KEY (referrer) REFERENCES customers (id) ON DELETE SET NULL
) ENGINE=InnoDB AUTO_INCREMENT=1000 COMMENT='quote '' backslash \\ semicolon ; -- no comment';
SET time_zone = '+00:00';
INSERT INTO customers (id, name, email, level, flags, bits, balance, ratio, weight, born, woken, seen, stamped, yr, settings, doc, uid, addr, hidden) VALUES
 (1, 'plain', 'a@example.com', 'new', 'a,b', b'1', 0.1, 1.7976931348623157e308, 1.5e-10, '2024-02-29', '-838:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999', 1901, '{"a": [1, 2, {"b": null}]}', '{"ü": "\\u00fc \\" ; "}', '123e4567-e89b-12d3-a456-426614174000', '2001:db8::1', 7),
 (2, 'emoji 😀🏳️‍🌈 ñ 中文 عربى', 'A@example.com', 'it''s; old', '', b'0', -0.0000000001, -2.2250738585072014e-308, 3.402823466e38, '1000-01-01', '00:00:00.000001', '1000-01-01 00:00:00', '1970-01-01 00:00:01', 0, '[]', NULL, NULL, NULL, DEFAULT),
 (3, 'quotes '' " ` \\ \n \r \t \0 \Z %_ ; -- # /* */ DELIMITER', NULL, 'ältere', NULL, NULL, 99999999999999999999.9999999999, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (500, '', '', 'new', 'c;d', b'111111111', 0, 0, -0.0, '2000-01-01', '23:59:59', '2000-01-01', '2000-01-01', 2155, '"x"', 'null', '00000000-0000-0000-0000-000000000000', '::', 0);
UPDATE customers SET referrer = 2, created = '2021-06-01 12:00:00' WHERE id IN (1, 3);
UPDATE customers SET created = '2019-03-31 02:30:00' WHERE id NOT IN (1, 3);

-- Foreign keys in a cycle.
SET foreign_key_checks = 0;
CREATE TABLE chicken (id int PRIMARY KEY, egg_id int, CONSTRAINT from_egg FOREIGN KEY (egg_id) REFERENCES egg (id));
CREATE TABLE egg (id int PRIMARY KEY, chicken_id int, CONSTRAINT from_chicken FOREIGN KEY (chicken_id) REFERENCES chicken (id) ON UPDATE CASCADE);
INSERT INTO chicken VALUES (1, 2), (2, 1);
INSERT INTO egg VALUES (1, 1), (2, 2);
SET foreign_key_checks = 1;

CREATE TABLE `odd ``names; "here"` (`a column` int, `b-c` int, `select` int, `ünï` int, KEY `an index` (`a column`, `b-c`)) COMMENT='x';
INSERT INTO `odd ``names; "here"` VALUES (1, 2, 3, 4);
CREATE TABLE nothing_in_it (id int NOT NULL, PRIMARY KEY (id)) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8;
CREATE TABLE no_key (a int, b text);
INSERT INTO no_key VALUES (3, 'c'), (1, 'a'), (2, 'b'), (1, 'a');

CREATE TABLE bytes (id int PRIMARY KEY, b blob, v varbinary(300), c binary(4));
CREATE TABLE numbers (n int PRIMARY KEY) ENGINE=Aria;
INSERT INTO numbers WITH RECURSIVE r AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 255) SELECT n FROM r;
INSERT INTO bytes SELECT n, repeat(char(n USING binary), 3), concat('x', char(n USING binary), '''', char(n USING binary), '\\'), char(n USING binary) FROM numbers;
INSERT INTO bytes SELECT 256, group_concat(char(n USING binary) ORDER BY n SEPARATOR ''), group_concat(char(n USING binary) ORDER BY n DESC SEPARATOR ''), '' FROM numbers;

CREATE TABLE places (id int PRIMARY KEY, p point NOT NULL, g geometry, s linestring, SPATIAL KEY p (p)) ENGINE=InnoDB;
INSERT INTO places VALUES (1, point(1.5, -2), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), ST_GeomFromText('LINESTRING(0 0,9 9)')), (2, ST_GeomFromText('POINT(0 0)', 4326), NULL, NULL);

CREATE TABLE german (id int PRIMARY KEY, word varchar(20) NOT NULL) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci CHECKSUM=1;
INSERT INTO german VALUES (1, 'Grüße'), (2, 'naïve €'), (3, '');
CREATE TABLE cyrillic (word varchar(20) CHARACTER SET cp1251, kanji varchar(20) CHARACTER SET sjis) ENGINE=MyISAM;
INSERT INTO cyrillic VALUES ('Привет', '表示');
CREATE TABLE as_csv (id int NOT NULL, t varchar(40) NOT NULL) ENGINE=CSV;
INSERT INTO as_csv VALUES (1, 'a,"b"'), (2, 'line\nbreak');
CREATE TABLE in_memory (id int PRIMARY KEY, t varchar(10), KEY USING BTREE (t)) ENGINE=MEMORY;
INSERT INTO in_memory VALUES (1, 'gone');
CREATE TABLE merged_1 (a int) ENGINE=MyISAM; CREATE TABLE merged_2 LIKE merged_1;
INSERT INTO merged_1 VALUES (1); INSERT INTO merged_2 VALUES (2);
CREATE TABLE merged (a int) ENGINE=MERGE UNION=(merged_1, merged_2) INSERT_METHOD=LAST;

CREATE TABLE parted (id int NOT NULL, at date NOT NULL, t text, PRIMARY KEY (id, at))
 PARTITION BY RANGE (year(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
 (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (2020), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO parted SELECT n, '1990-01-01' + INTERVAL n * 60 DAY, repeat('x', n) FROM numbers;

CREATE TABLE kept (id int PRIMARY KEY, t text) WITH SYSTEM VERSIONING;
INSERT INTO kept VALUES (1, 'a'), (2, 'b'); UPDATE kept SET t = 'c' WHERE id = 1; DELETE FROM kept WHERE id = 2;
CREATE TABLE periods (id int, a date, b date, PERIOD FOR valid (a, b), UNIQUE (id, valid WITHOUT OVERLAPS));
INSERT INTO periods VALUES (1, '2020-01-01', '2020-12-31');

SET sql_mode = '';
CREATE TABLE zero_dates (d date NOT NULL DEFAULT '0000-00-00', dt datetime NOT NULL DEFAULT '0000-00-00 00:00:00', ts timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', half date);
INSERT INTO zero_dates VALUES (0, 0, 0, '2010-00-00'), ('2001-02-03', DEFAULT, DEFAULT, '0000-00-00');
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE from_zero (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, t char(3)) AUTO_INCREMENT=77;
INSERT INTO from_zero VALUES (0, 'nil'), (-5, 'neg'), (50, 'gap');
SET sql_mode = DEFAULT;

CREATE SEQUENCE tickets START WITH 100 INCREMENT BY 10 MAXVALUE 100000 CACHE 5 CYCLE;
DO NEXT VALUE FOR tickets, NEXT VALUE FOR tickets;
CREATE VIEW `z view` AS SELECT id, name FROM customers WHERE name <> 'it''s' WITH CASCADED CHECK OPTION;
CREATE DEFINER=`gone`@`10.%` SQL SECURITY DEFINER VIEW a_view_on_view AS SELECT id + 1 AS n, 'Grüße 😀' AS greeting FROM `z view`;
CREATE SQL SECURITY INVOKER VIEW joined AS SELECT c.id, e.id AS egg FROM chicken c JOIN egg e ON e.chicken_id = c.id;

DELIMITER $$
CREATE DEFINER=`nobody-here`@`%` PROCEDURE `do it`(IN a int, OUT b int) COMMENT 'it''s; fine'
  MODIFIES SQL DATA SQL SECURITY INVOKER
BEGIN
  DECLARE done int DEFAULT 0; -- a comment; with a semicolon
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
  /* another; */
  SELECT count(*) INTO b FROM customers WHERE id >= a AND name <> 'a;b$' AND email <> "q";
  IF b > 0 THEN INSERT INTO no_key VALUES (b, 'made; here'); END IF;
END$$
CREATE FUNCTION greet(who varchar(50)) RETURNS varchar(100) CHARSET utf8mb4 DETERMINISTIC
RETURN concat('Grüße, ', who, '! 😀')$$
CREATE TRIGGER before_customer BEFORE INSERT ON customers FOR EACH ROW
BEGIN
  IF NEW.name = 'trigger;' THEN SET NEW.name = 'Trigger''s'; END IF;
END$$
CREATE DEFINER=`gone`@`10.%` TRIGGER after_customer AFTER UPDATE ON customers FOR EACH ROW
BEGIN
  -- nothing; to do
END$$
CREATE TRIGGER after_customer_too AFTER UPDATE ON customers FOR EACH ROW FOLLOWS after_customer SET @touched = 1$$
CREATE DEFINER=`gone`@`10.%` EVENT `clean up` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 03:00:00' ON COMPLETION PRESERVE COMMENT 'nightly; really'
DO BEGIN DELETE FROM no_key WHERE a > 1000; END$$
SET time_zone = '+05:30'$$
CREATE EVENT once_only ON SCHEDULE AT '2037-05-05 05:05:05' ON COMPLETION PRESERVE DISABLE DO SELECT 1$$
SET time_zone = '+00:00'$$
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'$$
CREATE FUNCTION "ansi fn"() RETURNS varchar(20) DETERMINISTIC RETURN 'back\' || 'slash'$$
SET sql_mode = 'ORACLE'$$
CREATE PACKAGE tools AS FUNCTION one RETURN int; END$$
CREATE PACKAGE BODY tools AS FUNCTION one RETURN int AS BEGIN RETURN 1; END; END$$
SET sql_mode = DEFAULT$$
DELIMITER ;

CREATE DATABASE `odd-näme 2` CHARACTER SET latin1 COLLATE latin1_swedish_ci;
USE `odd-näme 2`;
CREATE TABLE t (id int PRIMARY KEY, word varchar(30), shop_id int unsigned, CONSTRAINT abroad FOREIGN KEY (shop_id) REFERENCES shop.customers (id));
INSERT INTO t VALUES (1, 'Übergröße', 1), (2, 'é', NULL);
CREATE VIEW across AS SELECT t.id, c.name FROM t JOIN shop.customers c ON c.id = t.shop_id;
