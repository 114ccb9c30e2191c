import pg from 'pg'; import { randomUUID } from 'node:crypto'
import { openQueues, startWorkers, migrateQueueSchema, FinalRefusal } from '../dist-queue/src/jobs/queue.js'
const url='postgres://postgres@127.0.0.1:54991/postgres'
const c=new pg.Client({connectionString:url});await c.connect();await c.query('drop schema if exists bullmq cascade');await migrateQueueSchema(c)
const s={databaseUrl:url},q={name:'x-'+randomUUID(),concurrency:4,attempts:3,backoffMs:200}
const w=await startWorkers(s,[q],{[q.name]:async(r,a)=>{console.log('run',a.number,a.isLast);if(process.argv[2])throw new FinalRefusal('no');throw new Error('x')}},(e,x)=>console.log('ERR',x.queue.slice(0,3),!!x.ref,e.message))
const cl=await openQueues(s,[q]);await cl.enqueue(q,[{storeId:'s',jobId:randomUUID()}])
await new Promise(r=>setTimeout(r,2500));console.log(await cl.counts());console.log((await c.query('select * from bullmq.job')).rows)
await w.stop(1000);await cl.close();await c.end()
