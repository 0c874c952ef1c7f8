/** The database products of the conformance suite: of each a dump, and a client. One entry for each engine. */
import mysql from 'mysql2/promise';
import pg from 'pg';
import type { Instance } from '../../daemon/contract/instances.ts';
import { RespConnection, type Reply } from '../../daemon/engines/resp.ts';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Product {
  /** As the engine is called. */
  readonly name: string;
  /** What the file beside the dump asks for, where it is not for the dump to tell. */
  readonly asksFor?: string;
  /** A dump of three customers, and what its name ends with. */
  readonly dump: string | Uint8Array;
  readonly ending: string;
  /** One that begins well. */
  readonly badDump: string | Uint8Array;
  /** Who may do all on a server of the product as it comes. */
  readonly administrator: string;
  /** Names of all customers, in order; rejects when the login is refused. */
  customers(login: Login): Promise<string[]>;
  addCustomer(login: Login, id: number, name: string): Promise<void>;
}

export const loginOf = ({ host, port, user, password = '', database }: Instance): Login => ({
  host,
  port,
  user,
  password,
  database,
});

const createCustomers =
  'CREATE TABLE `customers` (`id` int NOT NULL PRIMARY KEY, `name` varchar(40) NOT NULL);\n';
const insertCustomers = "INSERT INTO `customers` VALUES (1,'Ada'),(2,'Grace'),(3,'Edsger');\n";

const sqlDump = (head: string): Pick<Product, 'dump' | 'badDump' | 'ending'> => ({
  ending: 'sql',
  dump: `${head}${createCustomers}${insertCustomers}-- Dump completed on 2026-01-01  0:00:00\n`,
  badDump: `${head}${createCustomers}INSERT INTO \`customers\` VALUES (1,'Ada'),(1,'Ada');\n-- Dump completed on 2026-01-01  0:00:00\n`,
});

const mysqlClient: Pick<Product, 'administrator' | 'customers' | 'addCustomer'> = {
  administrator: 'root',
  async customers(login) {
    const connection = await mysql.createConnection({ ...login });
    try {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(
        'select name as name from customers order by id',
      );
      return rows.map(({ name }) => String(name));
    } finally {
      connection.destroy();
    }
  },
  async addCustomer(login, id, name) {
    const connection = await mysql.createConnection({ ...login });
    try {
      await connection.query('insert into customers values (?, ?)', [id, name]);
    } finally {
      connection.destroy();
    }
  },
};

/** What valkey-server 8.1 has saved. */
const rdb = Buffer.from(
  'UkVESVMwMDEx+gp2YWxrZXktdmVyBTguMS4x+gpyZWRpcy1iaXRzwED6BWN0aW1lwqp0A2v6CHVzZWQtbWVtwmhhDgD6CGFvZi1iYXNlwAD+APsBABAJY3VzdG9tZXJzISEAAAAGAAEBg0FkYQQCAYVHcmFjZQYDAYZFZHNnZXIH///BwimYeYRIJw==',
  'base64',
);

async function askValkey(login: Login, ...command: string[]): Promise<Reply> {
  const { host, port, user, password, database } = login;
  const connection = await RespConnection.open({ host, port });
  try {
    await connection.ask('AUTH', user, password);
    await connection.ask('SELECT', database);
    return await connection.ask(...command);
  } finally {
    connection.close();
  }
}

const postgresDump = (rows: readonly string[]): string =>
  [
    '--\n-- PostgreSQL database dump\n--\n',
    '\\restrict abcdefgh\n',
    '-- Dumped from database version 17.6\n-- Dumped by pg_dump version 17.6\n',
    'SET standard_conforming_strings = on;',
    "SELECT pg_catalog.set_config('search_path', '', false);\n",
    'CREATE TABLE public.customers (\n    id integer NOT NULL,\n    name character varying(40) NOT NULL\n);\n',
    'ALTER TABLE public.customers OWNER TO somebody;\n',
    'COPY public.customers (id, name) FROM stdin;',
    ...rows,
    '\\.\n',
    'ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);\n',
    '--\n-- PostgreSQL database dump complete\n--\n',
    '\\unrestrict abcdefgh\n',
  ].join('\n');

async function askPostgres(login: Login, sql: string, values: readonly unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ ...login });
  await client.connect();
  try {
    const { rows } = await client.query<{ name?: unknown }>(sql, [...values]);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

export const products: readonly Product[] = [
  {
    name: 'mariadb',
    ...sqlDump(
      '/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19-11.8.3-MariaDB, for debian-linux-gnu (x86_64)\n',
    ),
    ...mysqlClient,
  },
  {
    name: 'mariadb',
    asksFor: 'mariadb 10.11',
    ...sqlDump(''),
    ...mysqlClient,
  },
  {
    name: 'mysql',
    ...sqlDump('-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n-- Server version\t8.0.36\n'),
    ...mysqlClient,
  },
  {
    name: 'valkey',
    ending: 'rdb',
    dump: rdb,
    badDump: rdb.subarray(0, 120),
    administrator: 'default',
    customers: async (login) => (await askValkey(login, 'HVALS', 'customers')) as string[],
    async addCustomer(login, id, name) {
      await askValkey(login, 'HSET', 'customers', String(id), name);
    },
  },
  {
    name: 'postgres',
    ending: 'sql',
    dump: postgresDump(['1\tAda', '2\tGrace', '3\tEdsger']),
    badDump: postgresDump(['1\tAda', '1\tAda']),
    administrator: 'postgres',
    customers: async (login) =>
      (await askPostgres(login, 'select name from customers order by id')) as string[],
    async addCustomer(login, id, name) {
      await askPostgres(login, 'insert into customers values ($1, $2)', [id, name]);
    },
  },
];
